import { createBackendPlugin } from '@backstage/backend-plugin-api';
import type { JsonObject } from '@backstage/types';
import { actionsRegistryServiceRef } from '@callboard/actions-api';
import { describeOnPostgres, openPostgres, startTestApp, type TestApp } from '@callboard/test-utils';
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as z from 'zod';

const token = 'token-of-the-operator-0123';

await describeOnPostgres('two replicas on one PostgreSQL', () => {
  let database: Awaited<ReturnType<typeof openPostgres>>;
  let replicas: TestApp[];

  const todoPlugin = createBackendPlugin({
    pluginId: 'todo',
    register(env) {
      env.registerInit({
        deps: { registry: actionsRegistryServiceRef },
        async init({ registry }) {
          registry.register({
            name: 'create-item',
            title: 'Create',
            description: 'Creates an item',
            schema: { input: z.object({}), output: z.object({}) },
            effect: 'create',
            action: async () => ({ output: {} }),
          });
        },
      });
    },
  });

  // One after the other: Backstage's own tables do not stand two backends that make them at once.
  const startBoth = async (safety: JsonObject) => {
    await start(safety);
    await start(safety);
  };
  const start = async (safety: JsonObject) => {
    replicas.push(
      await startTestApp({
        features: [import('@callboard/plugin-safety-backend'), todoPlugin],
        config: {
          safety: { operators: ['external:ops'], ...safety },
          backend: {
            auth: { externalAccess: [{ type: 'static', options: { token, subject: 'external:ops' } }] },
            actions: { pluginSources: ['todo', 'safety'] },
            database: {
              client: 'pg',
              pluginDivisionMode: 'schema',
              connection: { connectionString: database.url },
            },
          },
        },
      }),
    );
  };
  const post = async (replica: number, path: string, body: JsonObject) => {
    const response = await fetch(`${replicas[replica]?.url}/api/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    });
    await response.arrayBuffer();
    return response.status;
  };
  const call = (replica: number) => post(replica, 'todo/.backstage/actions/v1/actions/todo%3Acreate-item/invoke', {});

  beforeEach(async () => {
    replicas = [];
    database = await openPostgres();
  });

  afterEach(async () => {
    await Promise.all(replicas.map(replica => replica.stop()));
    await database.drop();
  });

  test('a pause on one stops the other within two seconds, and so does resuming start it', async () => {
    await startBoth({});
    expect([await call(0), await call(1)]).toEqual([200, 200]);

    await post(0, 'safety/v1/pause', { reason: 'incident' });
    expect(await call(0)).toBe(503);
    await expect.poll(() => call(1), { timeout: 2_000 }).toBe(503);
    await post(1, 'safety/v1/resume', {});

    expect(await call(1)).toBe(200);
    await expect.poll(() => call(0), { timeout: 2_000 }).toBe(200);
  });

  test('a limit holds over both', async () => {
    const safety = { limits: [{ rate: { calls: 10, seconds: 86_400 } }] };
    await startBoth(safety);

    const statuses = await Promise.all(Array.from({ length: 60 }, (_, n) => call(n % 2)));

    expect(statuses.filter(status => status === 200)).toHaveLength(10);
    expect(statuses.filter(status => status === 429)).toHaveLength(50);
  });

  test('what is accepted on one can be called on the other', async () => {
    await startBoth({ pinning: 'hold' });
    expect([await call(0), await call(1)]).toEqual([404, 404]);

    await post(0, 'safety/v1/definitions/accept', { actionIds: 'all' });

    expect(await call(0)).toBe(200);
    await expect.poll(() => call(1), { timeout: 5_000 }).toBe(200);
    const alerts = replicas.flatMap(({ logs }) => logs).filter(({ alertEvent }) => alertEvent === 'quarantined');
    expect(alerts).toHaveLength(1);
  });
});
