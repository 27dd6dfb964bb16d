import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { HttpAuthService, PermissionsService } from '@backstage/backend-plugin-api';
import { AuthenticationError } from '@backstage/errors';
import { AuthorizeResult } from '@backstage/plugin-permission-common';
import { openSqlite, type TestDatabase } from '@callboard/test-utils';
import express, { type ErrorRequestHandler } from 'express';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase } from '../database/openDatabase.js';
import { Operators } from '../Operators.js';
import { AlertStore } from './AlertStore.js';
import { createAlertsRouter } from './alertsRouter.js';
import { Metrics } from './Metrics.js';

const principals: Record<string, object> = {
  service: { type: 'service', subject: 'external:prometheus' },
  operator: { type: 'user', userEntityRef: 'user:default/ada' },
  user: { type: 'user', userEntityRef: 'user:default/bob' },
};

let database: TestDatabase;
let mayRead: boolean;
let stop: () => void;

beforeEach(async () => {
  mayRead = true;
  database = await openSqlite();
  await openDatabase({ getClient: async () => database.db });
});

afterEach(async () => {
  stop();
  await database.drop();
});

async function start(metricsArePublic: boolean): Promise<(path: string, who?: string) => Promise<number>> {
  const httpAuth = {
    async credentials(request: express.Request, options: { allow: string[] }) {
      const principal = principals[request.headers.authorization ?? ''];
      if (!principal) {
        throw new AuthenticationError('Missing credentials');
      }
      expect(options).toEqual({ allow: ['user', 'service'] });
      return { principal };
    },
  } as unknown as HttpAuthService;
  const permissions = {
    authorize: async () => [{ result: mayRead ? AuthorizeResult.ALLOW : AuthorizeResult.DENY }],
  } as unknown as PermissionsService;
  const answerError: ErrorRequestHandler = ({ name }, _request, response, _next) => {
    const status = { AuthenticationError: 401, NotAllowedError: 403, InputError: 400 }[name as string];
    response.sendStatus(status ?? 500);
  };
  const server = express()
    .use(
      createAlertsRouter({
        store: new AlertStore({ db: database.db }),
        metrics: new Metrics(),
        metricsArePublic,
        operators: new Operators({ patterns: ['user:default/ada'], permissions }),
        httpAuth,
      }),
    )
    .use(answerError)
    .listen(0, '127.0.0.1');
  stop = () => server.close();
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return async (path, who) =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { ...(who && { authorization: who }) } })).status;
}

test.each(['/v1/alerts', '/v1/metrics'])('%s is for operators and services', async path => {
  const get = await start(false);

  expect(await get(path, 'operator')).toBe(200);
  expect(await get(path, 'service')).toBe(200);
  expect(await get(path, 'user')).toBe(403);
  expect(await get(path)).toBe(401);
  mayRead = false;
  expect(await get(path, 'operator')).toBe(403);
});

test('metrics, and only those, are for everybody where they are public', async () => {
  const get = await start(true);

  expect(await get('/v1/metrics')).toBe(200);
  expect(await get('/v1/alerts')).toBe(401);
});

test.each(['?limit=0', '?limit=501', '?limit=x', '?since=yesterday', '?event=burnt', '?events=paused'])(
  'a query that is not understood is answered with 400: %s',
  async query => {
    const get = await start(false);

    expect(await get(`/v1/alerts${query}`, 'service')).toBe(400);
  },
);
