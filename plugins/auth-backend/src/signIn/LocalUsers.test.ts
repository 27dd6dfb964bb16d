import { openSqlite, type TestDatabase } from '@callboard/test-utils';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AttemptLimit } from './AttemptLimit.js';
import { LocalUsers } from './LocalUsers.js';
import { hashPassword } from './passwordHash.js';
import { openSignInDatabase } from './testing/openSignInDatabase.js';

const passwordHash = await hashPassword('break a leg');
const address = '192.0.2.1';

describe('LocalUsers', () => {
  let database: TestDatabase;
  let time: number;
  let users: LocalUsers;

  beforeEach(async () => {
    database = await openSignInDatabase(openSqlite);
    time = Date.parse('2027-01-01T00:00:00.000Z');
    const limit = new AttemptLimit({ db: database.db, now: () => new Date(time) });
    users = new LocalUsers({ users: [{ name: 'ada', passwordHash }], limit });
  });

  afterEach(() => database.drop());

  test('the right password signs in, whatever the case of the name', async () => {
    const outcome = await users.signIn({ name: ' Ada ', password: 'break a leg', address });

    expect(outcome).toEqual({ outcome: 'signed-in', userEntityRef: 'user:default/ada' });
  });

  test('a wrong password and an unknown name are refused alike, after the same work', async () => {
    const startedAt = performance.now();
    const wrong = await users.signIn({ name: 'ada', password: 'wrong', address });
    const wrongMs = performance.now() - startedAt;
    const unknown = await users.signIn({ name: 'nobody', password: 'wrong', address });
    const unknownMs = performance.now() - startedAt - wrongMs;

    expect(wrong).toEqual({ outcome: 'refused' });
    expect(unknown).toEqual(wrong);
    expect(unknownMs).toBeGreaterThan(wrongMs / 5);
  });

  test.each(['__proto__', 'constructor', '', '*', "' or 1=1 --"])('the name %j is nobody', async name => {
    expect(await users.signIn({ name, password: '', address })).toEqual({ outcome: 'refused' });
  });

  test('after five wrong passwords even the right one has to wait, and then signs in', async () => {
    for (let attempt = 0; attempt < 5; attempt++) {
      await users.signIn({ name: 'ada', password: `wrong ${attempt}`, address });
    }

    const early = await users.signIn({ name: 'ada', password: 'break a leg', address });
    time += 1000;
    const later = await users.signIn({ name: 'ada', password: 'break a leg', address });

    expect(early).toEqual({ outcome: 'blocked', retryAfterSeconds: 1 });
    expect(later).toMatchObject({ outcome: 'signed-in' });
  });

  test('one address cannot go through many names, and its neighbours in IPv6 count as one', async () => {
    const attempts = Array.from({ length: 25 }, async (_, index) => {
      const from = `2001:db8:0:1::${index.toString(16)}`;
      return (await users.signIn({ name: `user${index}`, password: 'x', address: from })).outcome;
    });

    const outcomes = await Promise.all(attempts);

    expect(outcomes.filter(outcome => outcome === 'refused')).toHaveLength(20);
    expect(outcomes.filter(outcome => outcome === 'blocked')).toHaveLength(5);
    expect(await users.signIn({ name: 'ada', password: 'break a leg', address })).toMatchObject({
      outcome: 'signed-in',
    });
  });

  test('signing in often from one address does not use up its attempts', async () => {
    for (let attempt = 0; attempt < 21; attempt++) {
      const outcome = await users.signIn({ name: 'ada', password: 'break a leg', address });
      expect(outcome).toMatchObject({ outcome: 'signed-in' });
    }
  });
});

test('every user that cannot be used is named at start', () => {
  const open = () =>
    new LocalUsers({
      users: [
        { name: 'ada', passwordHash },
        { name: 'Ada', passwordHash },
        { name: 'not a name', passwordHash: 'plain text' },
      ],
      limit: undefined as unknown as AttemptLimit,
    });

  expect(open).toThrow('auth.localUsers[1].name: "Ada" stands there twice');
  expect(open).toThrow('auth.localUsers[2].name');
  expect(open).toThrow('auth.localUsers[2].passwordHash');
  expect(open).not.toThrow('plain text');
});
