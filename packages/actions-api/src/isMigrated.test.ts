import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeOnPostgres, openPostgres } from '@callboard/test-utils';
import createKnex, { type Knex } from 'knex';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isMigrated } from './isMigrated.js';
import { openPluginDatabase } from './openPluginDatabase.js';

const tableName = 'knex_migrations';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'callboard-migrations-'));
  write('1_things.cjs', `db.schema.createTable('things', table => table.string('name'))`);
  write('2_first.cjs', `db('things').insert({ name: 'first' })`);
  return () => rmSync(directory, { recursive: true, force: true });
});

describe('on SQLite', () =>
  suite(async () => {
    const db = createKnex({ client: 'better-sqlite3', connection: ':memory:', useNullAsDefault: true });
    return { db, close: () => db.destroy() };
  }));

await describeOnPostgres('on PostgreSQL', () =>
  suite(async () => {
    const { db, drop } = await openPostgres();
    return { db, close: drop };
  }),
);

function suite(connect: () => Promise<{ db: Knex; close: () => Promise<unknown> }>): void {
  let db: Knex;
  let close: () => Promise<unknown>;

  beforeEach(async () => {
    ({ db, close } = await connect());
  });

  afterEach(() => close());

  const look = () => isMigrated(db, { directory, tableName });
  const open = () => openPluginDatabase({ getClient: async () => db }, { migrations: pathToFileURL(directory) });

  test('an empty database is not migrated', async () => {
    expect(await look()).toBe(false);
  });

  test('a database in which all migrations have run is, and opening it again writes nothing', async () => {
    await open();
    const queries: string[] = [];
    db.on('query', ({ sql }) => queries.push(sql));

    await open();

    expect(await look()).toBe(true);
    expect(queries.filter(sql => !sql.startsWith('select'))).toEqual([]);
    expect(queries).not.toEqual([]);
  });

  test('one with a migration to come is not, and gets it when it is opened', async () => {
    await open();
    write('3_second.cjs', `db('things').insert({ name: 'second' })`);
    const before = await look();

    await open();

    expect(before).toBe(false);
    expect(await db('things').pluck('name')).toEqual(['first', 'second']);
    expect(await look()).toBe(true);
  });

  test('one that a newer version has migrated is not, and is refused as ever', async () => {
    await open();
    rmSync(join(directory, '2_first.cjs'));

    const isReady = await look();

    expect(isReady).toBe(false);
    await expect(db.migrate.latest({ directory, tableName })).rejects.toThrow('2_first.cjs');
  });

  test.each([
    ['is held', (lock: Knex.QueryBuilder) => lock.update({ is_locked: 1 })],
    ['is gone', (lock: Knex.QueryBuilder) => lock.delete()],
    ['is there twice', (lock: Knex.QueryBuilder) => lock.insert({ index: 2, is_locked: 0 })],
  ])('one whose lock %s is not', async (_what, change) => {
    await open();

    await change(db(`${tableName}_lock`));

    expect(await look()).toBe(false);
  });
}

function write(name: string, statement: string): void {
  writeFileSync(join(directory, name), `exports.up = db => ${statement};\nexports.down = async () => {};\n`);
}
