import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeOnPostgres, openPostgres } from '@callboard/test-utils';
import createKnex, { type Knex } from 'knex';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openPluginDatabase } from './openPluginDatabase.js';

const STARTS = 6;

let folder: string;
let migrations: URL;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'callboard-migrations-'));
  migrations = pathToFileURL(folder);
  write('1_things', `db.schema.createTable('things', table => table.string('name'))`);
  write('2_first', `db('things').insert({ name: 'first' })`);
  return () => rmSync(folder, { recursive: true, force: true });
});

function write(name: string, statement: string): void {
  writeFileSync(join(folder, `${name}.cjs`), `exports.up = db => ${statement};\nexports.down = async () => {};\n`);
}

/** An empty database that several may connect to. */
interface EmptyDatabase {
  connect(): Knex;
  drop(): Promise<void>;
}

describe('on SQLite', () =>
  suite(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'callboard-sqlite-'));
    return {
      connect: () =>
        createKnex({
          client: 'better-sqlite3',
          connection: join(directory, 'test.sqlite'),
          useNullAsDefault: true,
          pool: {
            min: 1,
            max: 1,
            // SQLite waits without giving others in this process a turn.
            afterCreate: (connection: { pragma(text: string): void }, done: () => void) => {
              connection.pragma('busy_timeout = 10');
              done();
            },
          },
        }),
      drop: async () => rmSync(directory, { recursive: true, force: true }),
    };
  }));

await describeOnPostgres('on PostgreSQL', () => {
  const connectTo = (url: string) => createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 2 } });

  suite(async () => {
    const { url, drop } = await openPostgres();
    return { connect: () => connectTo(url), drop };
  });

  test('starts that all find no lock and all add one end well', async () => {
    const { db, url, drop } = await openPostgres();
    const starting = Array.from({ length: STARTS }, () => connectTo(url));
    try {
      await db.schema.createTable('knex_migrations_lock', table => {
        table.increments('index');
        table.integer('is_locked');
      });
      const tx = await db.transaction();
      // They can read it, and write to it together when this is over.
      await tx.raw('lock table knex_migrations_lock in share row exclusive mode');
      const started = starting.map(each => openPluginDatabase({ getClient: async () => each }, { migrations }));
      await vi.waitFor(async () => {
        const { rows } = await db.raw(
          `select count(*)::int as waiting from pg_locks join pg_database on pg_database.oid = database
           where datname = current_database() and relation = 'knex_migrations_lock'::regclass and not granted`,
        );
        expect(rows).toEqual([{ waiting: STARTS }]);
      });
      await tx.commit();

      await Promise.all(started);

      expect(await db('knex_migrations_lock').pluck('is_locked')).toEqual([0]);
      expect(await db('things').pluck('name')).toEqual(['first']);
    } finally {
      await Promise.all(starting.map(each => each.destroy()));
      await drop();
    }
  });
});

function suite(openEmpty: () => Promise<EmptyDatabase>): void {
  let database: EmptyDatabase;
  let connections: Knex[];

  beforeEach(async () => {
    database = await openEmpty();
    connections = [];
  });

  afterEach(async () => {
    await Promise.all(connections.map(db => db.destroy()));
    await database.drop();
  });

  function connect(): Knex {
    const db = database.connect();
    connections.push(db);
    return db;
  }

  const open = (options: { tableName?: string; flushesSeldom?: boolean } = {}, db = connect()) =>
    openPluginDatabase({ getClient: async () => db }, { migrations, ...options });

  /** In step with each other: all are connected before any of them looks around. */
  async function startAtOnce(options: { tableName?: string; flushesSeldom?: boolean } = {}): Promise<void> {
    const ready = Array.from({ length: STARTS }, connect);
    await Promise.all(ready.map(db => db.raw('select 1')));
    await Promise.all(ready.map(db => open(options, db)));
  }

  /** What there is after the first starts, and that one more start ends well. */
  async function look(tableName = 'knex_migrations') {
    const db = await open({ tableName });
    return {
      things: await db('things').pluck('name'),
      migrations: await db(tableName).pluck('name'),
      locks: await db(`${tableName}_lock`).pluck('is_locked'),
    };
  }

  const inOrder = { things: ['first'], migrations: ['1_things.cjs', '2_first.cjs'], locks: [0] };

  test.each([{}, { tableName: 'own_migrations' }, { flushesSeldom: true }])(
    'any number of first starts at once end well, and so do all later ones: %o',
    async (options: { tableName?: string; flushesSeldom?: boolean }) => {
      await startAtOnce(options);

      expect(await look(options.tableName)).toEqual(inOrder);
    },
  );

  test('so do starts after one that ended before the lock was in its table', async () => {
    const db = connect();
    await db.schema.createTable('knex_migrations_lock', table => {
      table.increments('index');
      table.integer('is_locked');
    });

    await startAtOnce();

    expect(await look()).toEqual(inOrder);
  });

  test.each([1, 2])('a database that was left with %i locks too many can be opened again', async tooMany => {
    const db = await open();
    await db('knex_migrations_lock').insert(
      Array.from({ length: tooMany }, (_, n) => ({ index: n + 2, is_locked: 0 })),
    );

    await startAtOnce();

    expect(await look()).toEqual(inOrder);
  });
}
