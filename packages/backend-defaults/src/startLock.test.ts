import { coreServices, createBackendPlugin } from '@backstage/backend-plugin-api';
import { ConfigReader } from '@backstage/config';
import { deferred, describeOnPostgres, openPostgres, type TestDatabase } from '@callboard/test-utils';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createBackend } from './createBackend.js';

await describeOnPostgres('backends that share a PostgreSQL database', () => {
  let database: TestDatabase & { url: string };
  let stops: (() => Promise<void>)[];

  beforeEach(async () => {
    stops = [];
    database = await openPostgres();
  });

  afterEach(async () => {
    await Promise.all(stops.map(stop => stop()));
    await database.drop();
  });

  function start(init: () => Promise<void>): Promise<unknown> {
    const backend = createBackend({
      config: new ConfigReader({
        backend: {
          baseUrl: 'http://localhost:7007',
          listen: { host: '127.0.0.1', port: 0 },
          database: { client: 'pg', connection: database.url, pluginDivisionMode: 'schema' },
          logger: { level: 'error' },
        },
      }),
    });
    backend.add(
      createBackendPlugin({
        pluginId: 'slow',
        register: env => env.registerInit({ deps: { auth: coreServices.auth }, init }),
      }),
    );
    stops.push(() => backend.stop());
    return backend.start();
  }

  /** Until this many processes wait for somebody else's start. */
  async function waiting(count: number): Promise<void> {
    for (;;) {
      const { rows } = await database.db.raw(
        `select count(*)::int as count from pg_locks join pg_database on pg_database.oid = database
         where datname = current_database() and locktype = 'advisory' and not granted`,
      );
      if (rows[0].count === count) {
        return;
      }
    }
  }

  test('start one after the other, on an empty database, too', async () => {
    const inside: string[] = [];
    const mayEnd = deferred<void>();
    const begun = deferred<void>();
    const first = start(async () => {
      inside.push('first begins');
      begun.resolve();
      await mayEnd.promise;
      inside.push('first ends');
    });
    await begun.promise;

    const others = [start(async () => void inside.push('another')), start(async () => void inside.push('another'))];
    await waiting(2);
    mayEnd.resolve();
    await Promise.all([first, ...others]);

    expect(inside).toEqual(['first begins', 'first ends', 'another', 'another']);
  });

  test('are not held up by one that did not start', async () => {
    await expect(
      start(async () => {
        throw new Error('broken');
      }),
    ).rejects.toThrow();
    await stops.pop()?.();

    await start(async () => {});
  });
});
