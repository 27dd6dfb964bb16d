import type { DiscoveryService, LoggerService, RootHttpRouterService } from '@backstage/backend-plugin-api';
import express from 'express';
import PromiseRouter from 'express-promise-router';

const AUTHORIZATION_SERVER = '/.well-known/oauth-authorization-server';
const PROTECTED_RESOURCE = '/.well-known/oauth-protected-resource';
const FETCH_TIMEOUT_MS = 5_000;

/**
 * Serves, at the root of the backend, the documents by which clients find out where to get a token:
 * RFC 9728 metadata of each MCP server, and a copy of the authorization server's own metadata for
 * clients that look for it here (MCP 2025-03-26, authorization).
 */
export function serveOAuthMetadata(options: {
  rootHttpRouter: RootHttpRouterService;
  discovery: DiscoveryService;
  logger: LoggerService;
  serverKeys: readonly (string | undefined)[];
  refreshTokens: boolean;
}): void {
  const { rootHttpRouter, discovery, logger, serverKeys, refreshTokens } = options;

  const authorizationServer = PromiseRouter();
  authorizationServer.get('*', async (_req, res) => {
    const authUrl = await discovery.getBaseUrl('auth');
    try {
      const response = await fetch(`${authUrl}/.well-known/openid-configuration`, {
        signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
      });
      res.status(response.status).json(await response.json());
    } catch (error) {
      logger.warn('The metadata of the authorization server cannot be read', error as Error);
      res.status(503).json({ error: 'temporarily_unavailable' });
    }
  });
  rootHttpRouter.use(AUTHORIZATION_SERVER, authorizationServer);

  const protectedResource = PromiseRouter();
  const serve = async (key: string | undefined, res: express.Response) => {
    if (!serverKeys.includes(key)) {
      res.status(404).json({ error: 'not_found' });
      return;
    }
    const [authUrl, mcpUrl] = await Promise.all([
      discovery.getExternalBaseUrl('auth'),
      discovery.getExternalBaseUrl('mcp-actions'),
    ]);
    res.json({
      resource: `${mcpUrl}${key ? `/v1/${key}` : '/v1'}`,
      authorization_servers: [authUrl],
      scopes_supported: ['openid', ...(refreshTokens ? ['offline_access'] : [])],
      bearer_methods_supported: ['header'],
    });
  };
  // Clients that ignore the path-inserted form ask at the root and mean the default server.
  protectedResource.get('/', (_req, res) => serve(undefined, res));
  protectedResource.get('/api/mcp-actions/v1/:key?', (req, res) => serve(req.params.key, res));
  rootHttpRouter.use(PROTECTED_RESOURCE, protectedResource);
}

/** Where a client finds the metadata of the MCP server at `path` (RFC 9728 §3.1). */
export async function resourceMetadataUrl(discovery: DiscoveryService, key: string | undefined): Promise<string> {
  const resource = new URL(await discovery.getExternalBaseUrl('mcp-actions'));
  return `${resource.origin}${PROTECTED_RESOURCE}${resource.pathname}${key ? `/v1/${key}` : '/v1'}`;
}
