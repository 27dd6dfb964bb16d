import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { DatabaseService } from '@backstage/backend-plugin-api';

const ATTEMPTS = 20;
const RETRY_AFTER_MS = 250;

/**
 * Opens a plugin's own database, its tables made. Replicas that start at once wait for the one that
 * makes them.
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
  const { migrations, tableName, flushesSeldom = false } = options;
  const db = await database.getClient();
  if (flushesSeldom && /sqlite/.test(db.client.config.client)) {
    await db.raw('PRAGMA journal_mode = WAL');
    await db.raw('PRAGMA synchronous = NORMAL');
  }
  if (database.migrations?.skip) {
    return db;
  }
  for (let attempt = 1; ; attempt += 1) {
    try {
      await db.migrate.latest({ directory: fileURLToPath(migrations), ...(tableName && { tableName }) });
      return db;
    } catch (error) {
      if (attempt === ATTEMPTS) {
        throw error;
      }
      await delay(RETRY_AFTER_MS);
    }
  }
}
