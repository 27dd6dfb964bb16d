import { type DatabaseService, resolvePackagePath } from '@backstage/backend-plugin-api';
import { isMigrated } from '@callboard/actions-api';

/** Where Backstage's auth service keeps which of its migrations have run, in the database of each plugin. */
const TABLE = 'backstage_backend_public_keys__knex_migrations';

/**
 * The database that Backstage's auth service makes the table of its public keys in, with the word that it is there
 * where it is. If the service keeps that elsewhere some day, nothing is found here, and it looks by itself.
 */
export function withKeyTable(database: DatabaseService): DatabaseService {
  if (database.migrations?.skip) {
    return database;
  }
  // The service asks for a client, and then whether to migrate; with keys from files it does neither.
  const migrations = { skip: false };
  return {
    migrations,
    async getClient() {
      const db = await database.getClient();
      const directory = resolvePackagePath('@backstage/backend-defaults', 'migrations/auth');
      migrations.skip = await isMigrated(db, { directory, tableName: TABLE });
      return db;
    },
  };
}
