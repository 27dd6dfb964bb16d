import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { DatabaseService } from '@backstage/backend-plugin-api';
import type { Knex } from 'knex';

// From src/database/ and from dist/database/ alike.
const directory = fileURLToPath(new URL('../../migrations', import.meta.url));
const ATTEMPTS = 20;
const RETRY_AFTER_MS = 250;

/** The plugin's own database, its tables made. Replicas that start at once wait for the one that makes them. */
export async function openDatabase(database: DatabaseService): Promise<Knex> {
  const db = await database.getClient();
  if (database.migrations?.skip) {
    return db;
  }
  for (let attempt = 1; ; attempt += 1) {
    try {
      await db.migrate.latest({ directory });
      return db;
    } catch (error) {
      if (attempt === ATTEMPTS) {
        throw error;
      }
      await delay(RETRY_AFTER_MS);
    }
  }
}
