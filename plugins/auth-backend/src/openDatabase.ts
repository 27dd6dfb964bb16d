import type { DatabaseService } from '@backstage/backend-plugin-api';
import { openPluginDatabase } from '@callboard/actions-api';
import type { Knex } from 'knex';

// From src/ and from dist/ alike.
const migrations = new URL('../migrations', import.meta.url);

/** The plugin's own database, its tables made. */
export function openDatabase(database: DatabaseService): Promise<Knex> {
  // A name of its own, because another plugin of this id may have kept its migrations here.
  return openPluginDatabase(database, { migrations, tableName: 'callboard_migrations' });
}
