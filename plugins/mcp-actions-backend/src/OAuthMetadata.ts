import type { DiscoveryService, LoggerService, RootHttpRouterService } from '@backstage/backend-plugin-api';
import { actionScopes } from '@callboard/actions-api';
import type { RequestHandler, Response } from 'express';
import PromiseRouter from 'express-promise-router';
import type { Challenge } from './guards/authenticate.js';

const AUTHORIZATION_SERVER = '/.well-known/oauth-authorization-server';
const PROTECTED_RESOURCE = '/.well-known/oauth-protected-resource';
const FETCH_TIMEOUT_MS = 5_000;
const KEPT_MS = 60_000;

type Metadata = Record<string, unknown> & { scopes_supported?: string[] };

/**
 * What clients can find out about where to get a token, each under the external address of this
 * backend: RFC 9728 metadata of the MCP servers, and a copy of the authorization server's own
 * metadata for clients that look for it at the root (MCP 2025-03-26, authorization).
 */
export class OAuthMetadata {
  readonly #discovery: DiscoveryService;
  readonly #logger: LoggerService;
  readonly #issuesTokens: boolean;
  readonly #externalIssuers: readonly string[];
  #kept: { metadata: Promise<Metadata | undefined>; untilMs: number } | undefined;

  constructor(options: {
    discovery: DiscoveryService;
    logger: LoggerService;
    /** Whether this backend issues tokens to clients itself. */
    issuesTokens: boolean;
    externalIssuers: readonly string[];
  }) {
    this.#discovery = options.discovery;
    this.#logger = options.logger;
    this.#issuesTokens = options.issuesTokens;
    this.#externalIssuers = options.externalIssuers;
  }

  /** Whether clients can get tokens for this backend at all. */
  get isEnabled(): boolean {
    return this.#issuesTokens || this.#externalIssuers.length > 0;
  }

  /** The external URL of an MCP server, for which tokens are issued. */
  async resource(serverKey: string | undefined): Promise<string> {
    const baseUrl = await this.#discovery.getExternalBaseUrl('mcp-actions');
    return `${baseUrl}/v1${serverKey ? `/${serverKey}` : ''}`;
  }

  async challenge(serverKey: string | undefined): Promise<Challenge | undefined> {
    if (!this.isEnabled) {
      return undefined;
    }
    const { origin, pathname } = new URL(await this.resource(serverKey));
    const scopes = await this.#scopes();
    return {
      // RFC 9728 §3.1: the well-known path goes between host and path.
      resourceMetadataUrl: `${origin}${PROTECTED_RESOURCE}${pathname}`,
      scope: scopes.filter(scope => scope !== 'actions:destructive').join(' '),
    };
  }

  /** Mounts the documents at the root of the backend; none of them while no tokens are issued. */
  async serve(options: {
    rootHttpRouter: RootHttpRouterService;
    serverKeys: readonly (string | undefined)[];
  }): Promise<void> {
    const { rootHttpRouter, serverKeys } = options;
    if (!this.isEnabled) {
      return;
    }
    if (this.#issuesTokens) {
      const authorizationServer = PromiseRouter();
      authorizationServer.use(allowEveryOrigin);
      authorizationServer.get('*', async (_req, res) => {
        const metadata = await this.#authorizationServer();
        res.status(metadata ? 200 : 503).json(metadata ?? { error: 'temporarily_unavailable' });
      });
      rootHttpRouter.use(AUTHORIZATION_SERVER, authorizationServer);
    }

    const describe = async (key: string | undefined, res: Response) => {
      if (!serverKeys.includes(key)) {
        res.status(404).json({ error: 'not_found' });
        return;
      }
      res.json({
        resource: await this.resource(key),
        authorization_servers: [
          ...(this.#issuesTokens ? [await this.#discovery.getExternalBaseUrl('auth')] : []),
          ...this.#externalIssuers,
        ],
        scopes_supported: await this.#scopes(),
        bearer_methods_supported: ['header'],
      });
    };
    const protectedResource = PromiseRouter();
    protectedResource.use(allowEveryOrigin);
    // Clients that ignore the path-inserted form ask at the root and mean the default server.
    protectedResource.get('/', (_req, res) => describe(undefined, res));
    // Behind a proxy with a path prefix, the address in the challenge has the prefix, too.
    const paths = new Set(['/api/mcp-actions/v1', new URL(await this.resource(undefined)).pathname]);
    for (const path of paths) {
      protectedResource.get(`${path}/:key?`, (req, res) => describe(req.params.key, res));
    }
    rootHttpRouter.use(PROTECTED_RESOURCE, protectedResource);
  }

  // Backstage's own authorization server knows no scopes of actions, only `openid`.
  async #scopes(): Promise<string[]> {
    if (!this.#issuesTokens) {
      return [...actionScopes];
    }
    const supported = (await this.#authorizationServer())?.scopes_supported ?? [];
    const scopes = actionScopes.filter(scope => supported.includes(scope));
    return scopes.length > 0 ? scopes : ['openid'];
  }

  #authorizationServer(): Promise<Metadata | undefined> {
    if (!this.#kept || Date.now() >= this.#kept.untilMs) {
      const kept = { metadata: this.#fetch(), untilMs: Date.now() + KEPT_MS };
      this.#kept = kept;
      kept.metadata.then(metadata => {
        if (!metadata && this.#kept === kept) {
          this.#kept = undefined;
        }
      });
    }
    return this.#kept.metadata;
  }

  async #fetch(): Promise<Metadata | undefined> {
    try {
      const url = `${await this.#discovery.getBaseUrl('auth')}/.well-known/openid-configuration`;
      const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
      if (!response.ok) {
        throw new Error(`${url} answers ${response.status}`);
      }
      return (await response.json()) as Metadata;
    } catch (error) {
      this.#logger.warn('The metadata of the authorization server cannot be read', error as Error);
      return undefined;
    }
  }
}

/** The documents are public, and clients in browsers read them, too. */
const allowEveryOrigin: RequestHandler = (_req, res, next) => {
  res.setHeader('Access-Control-Allow-Origin', '*');
  next();
};
