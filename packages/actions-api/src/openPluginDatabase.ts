import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { DatabaseService } from '@backstage/backend-plugin-api';
import { isMigrated } from './isMigrated.js';

const ATTEMPTS = 20;
const RETRY_AFTER_MS = 250;

/** Where knex keeps which migrations have run. */
const USUAL_TABLE = 'knex_migrations';

type Database = Awaited<ReturnType<DatabaseService['getClient']>>;

/**
 * Opens a plugin's own database, its tables made. Processes that start at once wait for the one that
 * makes them, on an empty database, too.
 *
 * @param options.migrations - the folder of the plugin's knex migrations.
 * @param options.tableName - where it is kept which of them have run, if not where knex does.
 * @param options.flushesSeldom - for tables that are written on every call: on SQLite, a commit is one
 * append in place of several flushes. It survives the process, and not always a power cut.
 */
export async function openPluginDatabase(
  database: DatabaseService,
  options: { migrations: URL; tableName?: string; flushesSeldom?: boolean },
): Promise<Awaited<ReturnType<DatabaseService['getClient']>>> {
  const { migrations, tableName = USUAL_TABLE, flushesSeldom = false } = options;
  const directory = fileURLToPath(migrations);
  const db = await database.getClient();
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (flushesSeldom && /sqlite/.test(db.client.config.client)) {
        await db.raw('PRAGMA journal_mode = WAL');
        await db.raw('PRAGMA synchronous = NORMAL');
      }
      if (!database.migrations?.skip && !(await isMigrated(db, { directory, tableName }))) {
        await makeLock(db, tableName);
        await db.migrate.latest({ directory, tableName });
      }
      return db;
    } catch (error) {
      if (attempt === ATTEMPTS) {
        throw error;
      }
      await delay(RETRY_AFTER_MS);
    }
  }
}

/**
 * Makes the tables of knex before knex does. It looks for its lock and adds one if there is none: of several that
 * look at once, each adds one, and with more than one it never migrates again.
 */
async function makeLock(db: Database, tableName: string): Promise<void> {
  const lockTable = `${tableName}_lock`;
  await makeTable(db, tableName, table => {
    table.increments();
    table.string('name');
    table.integer('batch');
    table.timestamp('migration_time');
  });
  await makeTable(db, lockTable, table => {
    table.increments('index');
    table.integer('is_locked');
  });
  const [first, ...others] = await db(lockTable).orderBy('index').pluck<number[]>('index');
  if (first === undefined) {
    // All that get here add the same one.
    await db(lockTable).insert({ index: 1, is_locked: 0 }).onConflict('index').ignore();
  }
  if (others.length > 0) {
    // Nobody holds any of them: who locks must find exactly one.
    await db(lockTable).whereIn('index', others).del();
  }
}

type DefineTable = Parameters<Database['schema']['createTable']>[1];

async function makeTable(db: Database, name: string, define: DefineTable): Promise<void> {
  if (await db.schema.hasTable(name)) {
    return;
  }
  try {
    await db.schema.createTable(name, define);
  } catch (error) {
    // Another process was faster.
    if (!(await db.schema.hasTable(name))) {
      throw error;
    }
  }
}
