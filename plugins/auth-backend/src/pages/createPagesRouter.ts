import { answerErrors, checkSameOrigin, refuseForeignHosts } from '@callboard/pages';
import express, { type Request, type Response } from 'express';
import PromiseRouter from 'express-promise-router';
import { createConnectionsRouter } from './connectionsRouter.js';
import { createDeviceRouter } from './deviceRouter.js';
import { createInteractionRouter } from './interactionRouter.js';
import type { PagesOptions } from './PagesOptions.js';
import { createProviderRouter } from './providerRouter.js';

const pagePaths = [
  '/interaction',
  '/device',
  '/connections',
  '/sign-in',
  '/sign-out',
  '/signed-out',
  '/:providerId/handler/frame',
];
const maxFormBytes = '16kb';

/** Serves the pages that people see, and takes their forms. */
export function createPagesRouter(options: PagesOptions): express.Router {
  const router = PromiseRouter();
  router.use(
    pagePaths,
    refuseForeignHosts(options.baseUrl),
    express.urlencoded({ extended: false, limit: maxFormBytes, parameterLimit: 40 }),
    (req: Request, _res: Response, next) => {
      if (req.method !== 'GET' && req.method !== 'HEAD') {
        checkSameOrigin(req, options.baseUrl);
      }
      next();
    },
  );
  router.use(createInteractionRouter(options));
  router.use(createDeviceRouter(options));
  router.use(createConnectionsRouter(options));
  router.use(createProviderRouter(options));
  router.use(pagePaths, answerErrors(options));
  return router;
}
