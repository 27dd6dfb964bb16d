import { authServiceFactory as stockFactory } from '@backstage/backend-defaults/auth';
import { coreServices, createBackendPlugin, createServiceFactory } from '@backstage/backend-plugin-api';
import { ConfigReader } from '@backstage/config';
import createKnex, { type Knex } from 'knex';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { authServiceFactory } from './authService.js';
import { createBackend } from './createBackend.js';

let db: Knex;
let stops: (() => Promise<void>)[] = [];

beforeEach(() => {
  db = createKnex({ client: 'better-sqlite3', connection: ':memory:', useNullAsDefault: true });
});

afterEach(async () => {
  await Promise.all(stops.map(stop => stop()));
  stops = [];
  await db.destroy();
});

test('the table of public keys is made once, and later starts write nothing', async () => {
  await start(authServiceFactory);
  const tables = await listTables();

  const again = await start(authServiceFactory);

  expect(tables).toContain('backstage_backend_public_keys__keys');
  expect(again.filter(sql => !/^select|^PRAGMA/i.test(sql))).toEqual([]);
});

test('it is where Backstage’s own service looks for it', async () => {
  await start(stockFactory);
  const tables = await listTables();

  const ours = await start(authServiceFactory);

  expect(ours.filter(sql => !/^select|^PRAGMA/i.test(sql))).toEqual([]);
  expect(await listTables()).toEqual(tables);
});

/** @returns the statements of the start. */
async function start(factory: typeof stockFactory): Promise<string[]> {
  const statements: string[] = [];
  const record = ({ sql }: { sql: string }) => statements.push(sql);
  const backend = createBackend({
    config: new ConfigReader({
      backend: { baseUrl: 'http://localhost:7007', listen: { host: '127.0.0.1', port: 0 }, logger: { level: 'error' } },
    }),
  });
  backend.add(factory);
  backend.add(
    createServiceFactory({ service: coreServices.database, deps: {}, factory: () => ({ getClient: async () => db }) }),
  );
  backend.add(
    createBackendPlugin({
      pluginId: 'one',
      register: env =>
        env.registerInit({
          deps: { auth: coreServices.auth },
          async init({ auth }) {
            await auth.listPublicServiceKeys();
          },
        }),
    }),
  );
  stops.push(() => backend.stop());
  db.on('query', record);
  await backend.start();
  db.off('query', record);
  return statements;
}

async function listTables(): Promise<string[]> {
  const rows = await db('sqlite_master').where({ type: 'table' }).orderBy('name').select('name');
  return rows.map(({ name }) => name);
}
