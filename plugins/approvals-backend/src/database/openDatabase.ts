import type { DatabaseService } from '@backstage/backend-plugin-api';
import { openPluginDatabase } from '@callboard/actions-api';
import type { Knex } from 'knex';

// From src/database/ and from dist/database/ alike.
const migrations = new URL('../../migrations', import.meta.url);

/** The plugin's own database, its tables made. */
export function openDatabase(database: DatabaseService): Promise<Knex> {
  return openPluginDatabase(database, { migrations });
}
