import { openPostgres, openSqlite, type TestDatabase } from '@callboard/test-utils';
import createKnex, { type Knex } from 'knex';
import { openDatabase } from '../database/openDatabase.js';

/** One database as two replicas see it; SQLite serves one process, whose parts share it. */
export interface Replicas {
  readonly one: Knex;
  readonly two: Knex;
  /** Has the database away, until the test ends. */
  disconnect(): Promise<void>;
  drop(): Promise<void>;
}

export async function openSqliteReplicas(): Promise<Replicas> {
  const { db, drop } = await openSqlite();
  await migrate(db);
  return { one: db, two: db, disconnect: () => db.destroy(), drop };
}

export async function openPostgresReplicas(): Promise<Replicas> {
  const { db, url, drop } = await openPostgres();
  await migrate(db);
  const two = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 10 } });
  return {
    one: db,
    two,
    disconnect: () => db.destroy(),
    async drop() {
      await two.destroy();
      await drop();
    },
  };
}

const migrate = (db: TestDatabase['db']) => openDatabase({ getClient: async () => db });
