import type { AuthService, BackstageCredentials, DiscoveryService } from '@backstage/backend-plugin-api';
import { ServiceUnavailableError } from '@backstage/errors';
import { readSessionId, sessionCookieOf } from '@callboard/pages';
import type { Request } from 'express';
import * as z from 'zod';

const TIMEOUT_MS = 10_000;

const signedInSchema = z.object({ userEntityRef: z.string(), token: z.string() });
const signedOutSchema = z.object({ error: z.literal('not_signed_in') });

/** Who sits at a browser, as far as the auth plugin can say. */
export type BrowserUser =
  | {
      readonly state: 'signed-in';
      readonly credentials: BackstageCredentials;
      /** Known to this browser and to nobody else: what its forms carry is derived from it. */
      readonly secret: string;
    }
  | { readonly state: 'signed-out' }
  /** There is no auth plugin with sign-in pages here. */
  | { readonly state: 'no-sign-in' };

/** Asks the auth plugin who is signed in in a browser. */
export class BrowserUsers {
  readonly #auth: AuthService;
  readonly #discovery: DiscoveryService;
  readonly #baseUrl: string;
  readonly #fetch: typeof fetch;

  /** @param options.baseUrl - External URL under which the pages are served. */
  constructor(options: { auth: AuthService; discovery: DiscoveryService; baseUrl: string; fetch?: typeof fetch }) {
    this.#auth = options.auth;
    this.#discovery = options.discovery;
    this.#baseUrl = options.baseUrl;
    this.#fetch = options.fetch ?? fetch;
  }

  /** @throws ServiceUnavailableError if the auth plugin does not answer as it should. */
  async identify(req: Request): Promise<BrowserUser> {
    const secret = readSessionId(req, sessionCookieOf(this.#baseUrl));
    // Asked without a cookie as well: whether there is anything to sign in to is known only then.
    const { status, body } = await this.#ask(secret ?? 'none');
    const signedIn = signedInSchema.safeParse(body);
    if (status === 200 && signedIn.success && secret !== undefined) {
      return { state: 'signed-in', credentials: await this.#auth.authenticate(signedIn.data.token), secret };
    }
    if (status === 401 && signedOutSchema.safeParse(body).success) {
      return { state: 'signed-out' };
    }
    if (status >= 500) {
      throw new ServiceUnavailableError('Who is signed in cannot be found out at the moment. Try again.');
    }
    return { state: 'no-sign-in' };
  }

  /** Where people sign in, and are sent back to a path of these pages. */
  async signInUrl(returnTo: string): Promise<string> {
    const base = await this.#discovery.getExternalBaseUrl('auth');
    return `${base}/sign-in?${new URLSearchParams({ return_to: returnTo })}`;
  }

  async #ask(session: string): Promise<{ status: number; body: unknown }> {
    const { token } = await this.#auth.getPluginRequestToken({
      onBehalfOf: await this.#auth.getOwnServiceCredentials(),
      targetPluginId: 'auth',
    });
    const url = `${await this.#discovery.getBaseUrl('auth')}/v1/browser-session`;
    try {
      const response = await this.#fetch(url, {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ session }),
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = await response.text();
      return { status: response.status, body: parseJson(text) };
    } catch (error) {
      throw new ServiceUnavailableError('The auth plugin does not answer. Try again.', error as Error);
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A page of some other plugin; what matters then is the status.
    return undefined;
  }
}
