import { coreServices, createBackendPlugin } from '@backstage/backend-plugin-api';
import { ConfigReader } from '@backstage/config';
import { deferred, freePort } from '@callboard/test-utils';
import { afterEach, expect, test } from 'vitest';
import { createBackend } from './createBackend.js';

let stop: (() => Promise<void>) | undefined;

afterEach(() => stop?.());

test('requests for routes that are not there yet wait for them, and others are not found afterwards', async () => {
  const port = await freePort();
  const mayMount = deferred<void>();
  const listening = deferred<void>();
  const backend = createBackend({
    config: new ConfigReader({
      backend: {
        baseUrl: `http://localhost:${port}`,
        listen: { host: '127.0.0.1', port },
        database: { client: 'better-sqlite3', connection: ':memory:' },
        logger: { level: 'error' },
      },
    }),
  });
  backend.add(
    createBackendPlugin({
      pluginId: 'late',
      register: env =>
        env.registerInit({
          deps: { router: coreServices.rootHttpRouter },
          async init({ router }) {
            listening.resolve();
            await mayMount.promise;
            router.use('/late', (_req, res) => res.json('here'));
          },
        }),
    }),
  );
  stop = () => backend.stop();
  const started = backend.start();
  await listening.promise;

  const early = ['/late', '/never'].map(path =>
    fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body: '{}' }),
  );
  const health = await fetch(`http://127.0.0.1:${port}/.backstage/health/v1/readiness`);
  mayMount.resolve();
  await started;
  const [late, never] = await Promise.all(early);

  expect(health.status).toBe(503);
  expect([late?.status, await late?.json(), never?.status]).toEqual([200, 'here', 404]);
  expect((await fetch(`http://127.0.0.1:${port}/never`)).status).toBe(404);
});
