import type { HttpAuthService } from '@backstage/backend-plugin-api';
import { parseRequest } from '@callboard/actions-api';
import type { Request, Router } from 'express';
import PromiseRouter from 'express-promise-router';
import * as z from 'zod';
import type { Operators } from '../Operators.js';
import type { AlertStore } from './AlertStore.js';
import { alertQuerySchema, findAlerts } from './alertQuery.js';
import type { Metrics } from './Metrics.js';
import { alertsReadPermission } from './permissions.js';

const httpQuerySchema = z.preprocess(
  query => ({ ...(query as object), ...(isNumeric(query) && { limit: Number((query as { limit: string }).limit) }) }),
  alertQuerySchema,
);

export function createAlertsRouter(options: {
  store: AlertStore;
  metrics: Metrics;
  metricsArePublic: boolean;
  operators: Operators;
  httpAuth: HttpAuthService;
}): Router {
  const { store, metrics, metricsArePublic, operators, httpAuth } = options;
  const router = PromiseRouter();

  /** For operators, and for services such as monitoring. */
  async function authorize(request: Request, deed: string): Promise<void> {
    const credentials = await httpAuth.credentials(request, { allow: ['user', 'service'] });
    if (!isService(credentials)) {
      await operators.authorize(credentials, alertsReadPermission, deed);
    }
  }

  router.get('/v1/alerts', async (request, response) => {
    await authorize(request, 'Reading alerts');
    const query = parseRequest(httpQuerySchema, request.query, 'query');
    response.set('Cache-Control', 'no-store').json(await findAlerts(store, query));
  });

  router.get('/v1/metrics', async (request, response) => {
    if (!metricsArePublic) {
      await authorize(request, 'Reading metrics');
    }
    const { contentType, text } = await metrics.print();
    response.set('Cache-Control', 'no-store').set('Content-Type', contentType).send(text);
  });

  return router;
}

const isService = ({ principal }: { principal: unknown }): boolean =>
  (principal as { type?: string }).type === 'service';

function isNumeric(query: unknown): boolean {
  return /^\d{1,6}$/.test(String((query as { limit?: unknown }).limit));
}
