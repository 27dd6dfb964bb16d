import { describeOnPostgres, openPostgres, openSqlite, type TestDatabase } from '@callboard/test-utils';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RecordStore } from '../engine/RecordStore.js';
import { openDatabase } from '../openDatabase.js';
import { RegistrationLimits } from './RegistrationLimits.js';

describe('RegistrationLimits on SQLite', () => limitsSuite(openSqlite));
await describeOnPostgres('RegistrationLimits on PostgreSQL', () => limitsSuite(openPostgres));

function limitsSuite(openTestDatabase: () => Promise<TestDatabase>) {
  let database: TestDatabase;
  let store: RecordStore;
  let time: number;

  beforeEach(async () => {
    database = await openTestDatabase();
    await openDatabase({ getClient: async () => database.db });
    time = Date.parse('2027-01-01T00:00:00.000Z');
    store = new RecordStore({ db: database.db, now: () => time });
  });
  afterEach(() => database.drop());

  function makeLimits(options: { maxClients?: number; perAddressPerHour?: number } = {}): RegistrationLimits {
    return new RegistrationLimits({
      db: database.db,
      store,
      maxClients: 5,
      perAddressPerHour: 3,
      now: () => time,
      ...options,
    });
  }

  async function register(limits: RegistrationLimits, address: string, id: string): Promise<boolean> {
    const { admitted } = await limits.admit(address);
    if (admitted) {
      time += 1;
      await store.put('Client', id, { payload: { client_id: id }, expiresInSeconds: 60, onConflict: 'replace' });
    }
    return admitted;
  }

  test('each address has its number per hour', async () => {
    const limits = makeLimits();
    const first = [];
    for (let count = 0; count < 4; count += 1) {
      first.push(await register(limits, '192.0.2.1', `a${count}`));
    }

    expect(first).toEqual([true, true, true, false]);
    expect(await limits.admit('192.0.2.2')).toEqual({ admitted: true });
    time += 3_600_000;
    expect(await limits.admit('192.0.2.1')).toEqual({ admitted: true });
  });

  test('all addresses of an IPv6 network are one', async () => {
    const limits = makeLimits({ perAddressPerHour: 1 });

    expect((await limits.admit('2001:db8:1:2::1')).admitted).toBe(true);
    expect((await limits.admit('2001:db8:1:2:aaaa::2')).admitted).toBe(false);
    expect((await limits.admit('2001:db8::1')).admitted).toBe(true);
    expect((await limits.admit('2001:db8:0:0:1::1')).admitted).toBe(false);
    expect((await limits.admit('2001:db8:1:3::1')).admitted).toBe(true);
  });

  test('a flood from many addresses pushes out unused clients, never used ones', async () => {
    const limits = makeLimits({ maxClients: 5 });
    await register(limits, '192.0.2.1', 'used');
    await store.markUsed('Client', 'used', 3_600);

    for (let count = 0; count < 100; count += 1) {
      await register(limits, `198.51.100.${count}`, `flood${count}`);
    }

    expect(await store.countOf('Client')).toBeLessThanOrEqual(5);
    expect(await store.find('Client', 'used')).toBeDefined();
    expect(await store.find('Client', 'flood99')).toBeDefined();
  });

  test('where all clients are in use, new ones wait', async () => {
    const limits = makeLimits({ maxClients: 2 });
    for (const id of ['a', 'b']) {
      await register(limits, '192.0.2.1', id);
      await store.markUsed('Client', id, 3_600);
    }

    expect(await limits.admit('192.0.2.2')).toEqual({ admitted: false, retryAfterSeconds: 60 });
  });

  test('registrations at the same time are counted one by one', async () => {
    const limits = makeLimits({ perAddressPerHour: 10, maxClients: 1_000 });

    const answers = await Promise.all(Array.from({ length: 40 }, () => limits.admit('192.0.2.1')));

    expect(answers.filter(({ admitted }) => admitted)).toHaveLength(10);
  });

  test('the counts of past hours are forgotten', async () => {
    const limits = makeLimits();
    await limits.admit('192.0.2.1');
    time += 3_600_000;
    await limits.admit('192.0.2.2');

    expect(await database.db('callboard_registration_counts').select('address')).toEqual([{ address: '192.0.2.2' }]);
  });
}
