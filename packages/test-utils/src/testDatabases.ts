import { randomUUID } from 'node:crypto';
import createKnex, { type Knex } from 'knex';
import { describe, expect, test } from 'vitest';

const postgresUrl = process.env.CALLBOARD_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/test';
const howToStartPostgres = 'pg_ctlcluster --skip-systemctl-redirect 15 main start';

/** A fresh, empty database and the way to be rid of it. */
export interface TestDatabase {
  db: Knex;
  drop(): Promise<void>;
}

export async function openSqlite(): Promise<TestDatabase> {
  const db = createKnex({ client: 'better-sqlite3', connection: ':memory:', useNullAsDefault: true });
  return { db, drop: () => db.destroy() };
}

export async function openPostgres(): Promise<TestDatabase & { url: string }> {
  const admin = createKnex({ client: 'pg', connection: postgresUrl, pool: { min: 0 } });
  const name = `callboard_test_${randomUUID().replaceAll('-', '')}`;
  await admin.raw('create database ??', [name]);
  const url = new URL(postgresUrl);
  url.pathname = name;
  const db = createKnex({ client: 'pg', connection: url.href, pool: { min: 0, max: 10 } });
  return {
    db,
    url: url.href,
    async drop() {
      await db.destroy();
      await admin.raw('drop database ?? with (force)', [name]);
      await admin.destroy();
    },
  };
}

/** Defines tests that need PostgreSQL; without it they are skipped, with a line that says so, and fail in CI. */
export async function describeOnPostgres(name: string, define: () => void): Promise<void> {
  describeUnless(await whyPostgresIsUnreachable(), name, define);
}

/** @param missing - what these tests need and is not there. */
export function describeUnless(missing: string | undefined, name: string, define: () => void): void {
  if (!missing) {
    describe(name, define);
  } else if (process.env.CI === 'true') {
    test(name, () => expect.fail(missing));
  } else {
    console.warn(`SKIPPED: ${name}. ${missing}`);
    test.skip(`${name}. ${missing}`, () => {});
  }
}

async function whyPostgresIsUnreachable(): Promise<string | undefined> {
  const db = createKnex({ client: 'pg', connection: postgresUrl, pool: { min: 0 }, acquireConnectionTimeout: 5_000 });
  try {
    await db.raw('select 1');
    return undefined;
  } catch (error) {
    const { host } = new URL(postgresUrl);
    return `PostgreSQL does not answer at ${host} (${error}); start it with: ${howToStartPostgres}, or name another in CALLBOARD_TEST_POSTGRES`;
  } finally {
    await db.destroy();
  }
}
