import type { LoggerService, RootHttpRouterService, RootLifecycleService } from '@backstage/backend-plugin-api';
import type { RequestHandler, Router } from 'express';
import PromiseRouter from 'express-promise-router';
import type { KeyRing } from './engine/KeyRing.js';
import { allowEveryOrigin } from './engine/mountProvider.js';

const DOCUMENTS = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'];
const KEY_SET = '/.well-known/jwks.json';

/** The metadata below the issuer, where OpenID Connect Discovery 1.0 §4 and older MCP clients look. */
export function createMetadataRouter(metadata: Record<string, unknown>): Router {
  const router = PromiseRouter();
  router.use(DOCUMENTS, allowEveryOrigin);
  router.get(DOCUMENTS, send(metadata));
  return router;
}

/**
 * The metadata at the root of the backend, where RFC 8414 §3.1 puts it: the well-known path goes before the path of
 * the issuer. A plugin that serves a copy of it at the same place goes before.
 */
export function serveMetadataAtRoot(options: {
  rootHttpRouter: RootHttpRouterService;
  rootLifecycle: RootLifecycleService;
  logger: LoggerService;
  issuer: string;
  metadata: Record<string, unknown>;
}): void {
  const { rootHttpRouter, rootLifecycle, logger, issuer, metadata } = options;
  const paths = [...new Set(['/', '/api/auth', new URL(issuer).pathname.replace(/\/$/, '') || '/'])];
  // Only when all plugins have begun is it known which paths are taken.
  rootLifecycle.addStartupHook(() => {
    for (const document of DOCUMENTS) {
      const router = PromiseRouter();
      router.use(allowEveryOrigin);
      router.get(paths, send(metadata));
      try {
        rootHttpRouter.use(document, router);
      } catch (error) {
        logger.debug(`Another plugin serves ${document}`, error as Error);
      }
    }
  });
}

/** The public keys by which the stock services know our tokens; also while no client can get one. */
export function createKeySetRouter(keys: KeyRing): Router {
  const router = PromiseRouter();
  router.use(KEY_SET, allowEveryOrigin);
  router.get(KEY_SET, async (_req, res) => {
    res.set('Cache-Control', 'no-cache').json({ keys: await keys.listPublicKeys() });
  });
  return router;
}

function send(metadata: Record<string, unknown>): RequestHandler {
  return (_req, res) => {
    res.set('Cache-Control', 'public, max-age=60').json(metadata);
  };
}
