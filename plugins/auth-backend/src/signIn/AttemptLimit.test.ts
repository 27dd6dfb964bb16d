import { describeOnPostgres, openPostgres, openSqlite, type TestDatabase } from '@callboard/test-utils';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AttemptLimit } from './AttemptLimit.js';
import { openSignInDatabase } from './testing/openSignInDatabase.js';

describe('AttemptLimit on SQLite', () => attemptLimitSuite(openSqlite));
await describeOnPostgres('AttemptLimit on PostgreSQL', () => attemptLimitSuite(openPostgres));

function attemptLimitSuite(open: () => Promise<TestDatabase>) {
  const subject = { key: 'user:ada', freeAttempts: 3 };
  let database: TestDatabase;
  let time: number;
  let limit: AttemptLimit;
  const now = () => new Date(time);

  beforeEach(async () => {
    database = await openSignInDatabase(open);
    time = Date.parse('2027-01-01T00:00:00.000Z');
    limit = new AttemptLimit({ db: database.db, now });
  });

  afterEach(() => database.drop());

  /** Attempts as soon as allowed, and tells how long each one had to wait. */
  async function waitsOf(attempts: number): Promise<number[]> {
    const waits: number[] = [];
    while (waits.length < attempts) {
      const wait = await limit.begin(subject);
      time += wait * 1000;
      if (wait > 0) {
        expect(await limit.begin(subject)).toBe(0);
      }
      waits.push(wait);
    }
    return waits;
  }

  test('the first attempts are free, then the delay doubles up to 15 minutes', async () => {
    expect(await waitsOf(16)).toEqual([0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
  });

  test('an attempt that comes too early does not make the delay longer', async () => {
    await waitsOf(4);

    expect([await limit.begin(subject), await limit.begin(subject)]).toEqual([2, 2]);
  });

  test('an hour without an attempt brings the free ones back', async () => {
    await waitsOf(10);

    time += 60 * 60 * 1000;

    expect(await waitsOf(4)).toEqual([0, 0, 0, 1]);
  });

  test('of many attempts at once through two replicas, only the free ones pass', async () => {
    const replica = new AttemptLimit({ db: database.db, now });

    const waits = await Promise.all(
      Array.from({ length: 40 }, (_, index) => (index % 2 ? limit : replica).begin(subject)),
    );

    expect(waits.filter(wait => wait === 0)).toHaveLength(3);
  });

  test('subjects do not share attempts, and a cleared one begins anew', async () => {
    await waitsOf(3);

    expect(await limit.begin(subject)).toBe(1);
    expect(await limit.begin({ key: 'user:grace', freeAttempts: 3 })).toBe(0);
    await limit.clear(subject.key);
    expect(await limit.begin(subject)).toBe(0);
  });

  test('the table forgets old attempts and never holds what was typed', async () => {
    await limit.begin({ key: 'user:hunter2-typed-as-a-name', freeAttempts: 3 });
    const rows = await database.db('sign_in_attempts').select();

    time += 60 * 60 * 1000;
    await limit.begin(subject);

    expect(JSON.stringify(rows)).not.toContain('hunter2');
    expect(await database.db('sign_in_attempts').select()).toHaveLength(1);
  });
}
