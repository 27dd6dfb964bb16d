import { ConfigReader } from '@backstage/config';
import { expect, test } from 'vitest';
import { describeDataPlace } from './dataPlace.js';

test.each([
  [{ client: 'better-sqlite3', connection: { directory: '/srv/data' } }, 'SQLite files in /srv/data'],
  [{ client: 'better-sqlite3', connection: ':memory:' }, 'in memory, gone when the server stops'],
  [{ client: 'better-sqlite3', connection: { filename: ':memory:' } }, 'in memory, gone when the server stops'],
  [
    { client: 'pg', connection: { host: 'db', port: 5432, database: 'app', user: 'u', password: 'hush' } },
    'PostgreSQL at db:5432/app',
  ],
  [{ client: 'pg', connection: 'postgresql://u:hush@db:5432/app' }, 'PostgreSQL at db:5432/app'],
  [{ client: 'pg', connection: { connectionString: 'postgresql://u:hush@db/app' } }, 'PostgreSQL at db/app'],
  [{ client: 'pg', connection: { host: '/run/postgresql' } }, 'PostgreSQL at /run/postgresql'],
  [undefined, 'nowhere: backend.database is not set'],
])('of %j, the place is told and no password', (database, expected) => {
  const place = describeDataPlace(new ConfigReader({ backend: { database } }));

  expect(place).toBe(expected);
});
