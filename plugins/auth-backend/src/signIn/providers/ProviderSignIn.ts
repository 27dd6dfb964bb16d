import type { LoggerService, RootConfigService } from '@backstage/backend-plugin-api';
import { NotAllowedError, NotFoundError, ServiceUnavailableError } from '@backstage/errors';
import type { AuthProviderFactory, AuthProviderRouteHandlers, AuthResolverContext } from '@backstage/plugin-auth-node';
import { readCookie } from '@callboard/pages';
import type { CookieOptions, Request, Response } from 'express';
import { type CapturedAnswer, capture } from './capturedHttp.js';
import { providerTitle } from './providerTitle.js';
import { UserOfRun } from './UserOfRun.js';

const flowMinutes = 10;
const maxFlowCharacters = 3_500;
const deadlineSeconds = 30;

/** What the browser keeps for us while its person is at the identity provider. */
interface Flow {
  providerId: string;
  returnTo: string;
  cookies: Record<string, string>;
  session: Record<string, unknown>;
}

/**
 * Signs people in with stock Backstage auth provider modules. Of their routes only the way to the identity provider
 * and back is used, and of their answers only who the person is: no token of the provider reaches the browser, and
 * the address to go on to is ours.
 */
export class ProviderSignIn {
  readonly #handlers = new Map<string, AuthProviderRouteHandlers>();
  readonly #user: UserOfRun;
  readonly #baseUrl: string;
  readonly #environment: string;
  readonly #cookie: { name: string; options: CookieOptions };

  /**
   * @param options.factories - by provider id, as modules registered them; those without configuration stay out.
   * @param options.catalog - where resolvers look users up; without it only those that need no catalog work.
   */
  constructor(options: {
    factories: ReadonlyMap<string, AuthProviderFactory>;
    config: RootConfigService;
    logger: LoggerService;
    baseUrl: string;
    catalog?: Pick<AuthResolverContext, 'findCatalogUser' | 'resolveOwnershipEntityRefs'>;
  }) {
    const { factories, config, logger, baseUrl, catalog } = options;
    const { origin, pathname, protocol } = new URL(baseUrl);
    const isOriginAllowed = () => false;
    this.#baseUrl = baseUrl;
    this.#environment = config.getOptionalString('auth.environment') ?? 'development';
    this.#user = new UserOfRun({ catalog });
    const secure = protocol === 'https:';
    this.#cookie = {
      name: secure ? '__Host-callboard-provider' : 'callboard-provider',
      options: { httpOnly: true, sameSite: 'lax', secure, path: secure ? '/' : pathname },
    };
    for (const [providerId, factory] of factories) {
      const providerConfig = config.getOptionalConfig(`auth.providers.${providerId}`);
      if (providerConfig) {
        const handlers = factory({
          providerId,
          globalConfig: { baseUrl, appUrl: origin, isOriginAllowed },
          config: providerConfig,
          logger,
          resolverContext: this.#user.resolverContext(),
          baseUrl,
          appUrl: origin,
          isOriginAllowed,
        });
        this.#handlers.set(providerId, handlers);
      }
    }
  }

  /** What the sign-in page offers. */
  list(): { id: string; title: string }[] {
    return [...this.#handlers.keys()].map(id => ({ id, title: providerTitle(id) }));
  }

  /**
   * Sends the browser to the identity provider.
   *
   * @param returnTo - path of this server to go on at afterwards.
   * @throws NotFoundError if there is no such provider.
   */
  async start(res: Response, options: { providerId: string; returnTo: string }): Promise<void> {
    const { providerId, returnTo } = options;
    const handlers = this.#getHandlers(providerId);
    const query = new URLSearchParams({ env: this.#environment, flow: 'redirect', redirectUrl: this.#baseUrl });
    const { location, cookies, session } = await withDeadline(
      capture((req, captured) => handlers.start(req, captured), {
        path: `/${providerId}/start`,
        query: query.toString(),
        cookies: {},
        session: {},
      }),
    );
    const flow = encodeFlow({ providerId, returnTo, cookies, session });
    if (location === undefined || !/^https?:/.test(location) || flow.length > maxFlowCharacters) {
      throw new ServiceUnavailableError(`The provider "${providerId}" cannot be used to sign in here`);
    }
    res.cookie(this.#cookie.name, flow, { ...this.#cookie.options, maxAge: flowMinutes * 60_000 });
    res.set('Cache-Control', 'no-store').redirect(303, location);
  }

  /**
   * Takes the answer of the identity provider.
   *
   * @throws NotAllowedError if it does not belong to a flow that this browser began, or lets nobody in.
   */
  async finish(req: Request, res: Response): Promise<{ providerId: string; userEntityRef: string; returnTo: string }> {
    const providerId = String(req.params.providerId);
    const handlers = this.#getHandlers(providerId);
    const flow = this.#readFlow(req);
    res.clearCookie(this.#cookie.name, this.#cookie.options);
    if (flow?.providerId !== providerId) {
      throw new NotAllowedError('This sign-in is too old, or was begun in another browser. Begin again.');
    }
    res.locals.retryAt = flow.returnTo;
    const { cookies, session, returnTo } = flow;
    const { search } = new URL(req.originalUrl, this.#baseUrl);
    const path = `/${providerId}/handler/frame`;
    const { result, userEntityRef } = await this.#user.during(() =>
      withDeadline(
        capture((request, captured) => handlers.frameHandler(request, captured), {
          path,
          query: search.slice(1),
          cookies,
          session,
        }),
      ),
    );
    const refusal = readRefusal(result);
    if (refusal !== undefined || userEntityRef === undefined) {
      throw new NotAllowedError(`${providerTitle(providerId)} did not sign you in: ${refusal ?? 'no user was named'}`);
    }
    return { providerId, userEntityRef, returnTo };
  }

  #getHandlers(providerId: string): AuthProviderRouteHandlers {
    const handlers = this.#handlers.get(providerId);
    if (!handlers) {
      throw new NotFoundError('There is no such way to sign in here.');
    }
    return handlers;
  }

  #readFlow(req: Request): Flow | undefined {
    const text = readCookie(req, this.#cookie.name);
    const flow = text === undefined ? undefined : decodeFlow(text);
    // The browser's owner can change its cookies; leaving the server must not be among what that does.
    const url = flow && URL.canParse(flow.returnTo, this.#baseUrl) ? new URL(flow.returnTo, this.#baseUrl) : undefined;
    const { origin, pathname } = new URL(this.#baseUrl);
    return flow && url?.origin === origin && url.pathname.startsWith(`${pathname}/`)
      ? { ...flow, returnTo: url.pathname + url.search }
      : undefined;
  }
}

function readRefusal({ location }: CapturedAnswer): string | undefined {
  if (location === undefined || !URL.canParse(location)) {
    return 'it gave no answer';
  }
  return new URL(location).searchParams.get('error') ?? undefined;
}

function encodeFlow(flow: Flow): string {
  return Buffer.from(JSON.stringify(flow)).toString('base64url');
}

function decodeFlow(text: string): Flow | undefined {
  try {
    const flow: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return isFlow(flow) ? flow : undefined;
  } catch {
    // Not ours: treated as if it were not there.
    return undefined;
  }
}

function isFlow(value: unknown): value is Flow {
  const { providerId, returnTo, cookies, session } = (value ?? {}) as Partial<Flow>;
  const isRecord = (entry: unknown) => typeof entry === 'object' && entry !== null && !Array.isArray(entry);
  return typeof providerId === 'string' && typeof returnTo === 'string' && isRecord(cookies) && isRecord(session);
}

async function withDeadline<T>(step: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new ServiceUnavailableError('The identity provider does not answer')),
      deadlineSeconds * 1000,
    );
  });
  try {
    return await Promise.race([step, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
