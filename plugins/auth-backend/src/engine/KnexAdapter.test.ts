import { describeOnPostgres, openPostgres, openSqlite, type TestDatabase } from '@callboard/test-utils';
import type { Knex } from 'knex';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from '../openDatabase.js';
import { KnexAdapter } from './KnexAdapter.js';
import { RecordStore } from './RecordStore.js';

describe('KnexAdapter on SQLite', () => adapterSuite(openSqlite));
await describeOnPostgres('KnexAdapter on PostgreSQL', () => adapterSuite(openPostgres));

function adapterSuite(open: () => Promise<TestDatabase>) {
  let database: TestDatabase;
  let store: RecordStore;
  let time: number;
  let salts: string[];

  beforeEach(async () => {
    database = await open();
    await openDatabase({ getClient: async () => database.db });
    time = Date.parse('2027-01-01T00:00:00.000Z');
    store = new RecordStore({ db: database.db, now: () => time });
    salts = [];
  });
  afterEach(() => database.drop());

  function adapterOf(model: string, graceSeconds = 0): KnexAdapter {
    return new KnexAdapter({
      model,
      store,
      graceSeconds,
      clientLifetimeSeconds: 60,
      now: () => time,
      onConsumed: salt => salts.push(salt),
    });
  }

  test('what was saved is found by its id, and saved again it is replaced', async () => {
    const adapter = adapterOf('Session');
    await adapter.upsert('the-secret-id', { jti: 'the-secret-id', uid: 'u1', accountId: 'user:default/ada' }, 60);
    await adapter.upsert('the-secret-id', { jti: 'the-secret-id', uid: 'u1', accountId: 'user:default/bob' }, 60);

    const found = await adapter.find('the-secret-id');

    expect(found).toEqual({ jti: 'the-secret-id', uid: 'u1', accountId: 'user:default/bob' });
    expect(await adapter.find('another')).toBeUndefined();
    expect(await adapterOf('Interaction').find('the-secret-id')).toBeUndefined();
  });

  test('sessions are found by uid and device codes by user code, without their ids', async () => {
    await adapterOf('Session').upsert('s1', { jti: 's1', uid: 'u1' }, 60);
    await adapterOf('DeviceCode').upsert('d1', { jti: 'd1', userCode: 'ABCD' }, 60);

    expect(await adapterOf('Session').findByUid('u1')).toEqual({ jti: undefined, uid: 'u1' });
    expect(await adapterOf('DeviceCode').findByUserCode('ABCD')).toEqual({ jti: undefined });
    expect(await adapterOf('DeviceCode').findByUserCode('XYZ')).toBeUndefined();
  });

  test('a used code stays used for a replica whose clock is behind', async () => {
    const ahead = adapterOf('AuthorizationCode');
    await ahead.upsert('c1', { jti: 'c1' }, 60);
    await ahead.consume('c1');
    time -= 300;
    const behind = adapterOf('AuthorizationCode');

    expect(await behind.find('c1')).toMatchObject({ consumed: expect.any(Number) });
    await expect(behind.consume('c1')).rejects.toThrow('invalid_grant');
  });

  test('a dump of the database holds no code of a device', async () => {
    await adapterOf('DeviceCode').upsert('d1', { jti: 'd1', userCode: 'WVVGKKZJ' }, 60);

    expect(JSON.stringify(await database.db('callboard_records').select())).not.toContain('WVVGKKZJ');
  });

  test('a dump of the database holds no id, wherever the payload repeats it', async () => {
    const id = 'Zq3-secret_value';
    await adapterOf('Interaction').upsert(
      id,
      { jti: id, returnTo: `http://localhost/authorize/${id}`, session: { uid: 'u', cookie: 'the-cookie' } } as never,
      60,
    );

    const dump = JSON.stringify(await database.db('callboard_records'));

    expect(dump).not.toContain(id);
    expect(dump).not.toContain('the-cookie');
    expect(await adapterOf('Interaction').find(id)).toMatchObject({ returnTo: `http://localhost/authorize/${id}` });
  });

  test('what a client sends cannot make its record reveal an id', async () => {
    const state = '\u001aid\u001a';
    await adapterOf('Interaction').upsert('i1', { jti: 'i1', params: { state } }, 60);

    expect(await adapterOf('Interaction').find('i1')).toEqual({ jti: 'i1', params: { state } });
  });

  test('of 200 that redeem a code at once one wins, and what it led to is revoked', async () => {
    const adapter = adapterOf('AuthorizationCode');
    await adapterOf('Grant').upsert('g1', { jti: 'g1', accountId: 'user:default/ada' }, 60);
    await adapterOf('RefreshToken').upsert('r1', { jti: 'r1', grantId: 'g1' }, 60);
    await adapter.upsert('c1', { jti: 'c1', grantId: 'g1' }, 60);

    const attempts = await Promise.allSettled(Array.from({ length: 200 }, () => adapter.consume('c1')));

    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(attempts.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { error: 'invalid_grant' } });
    expect(await adapterOf('Grant').find('g1')).toBeUndefined();
    expect(await adapterOf('RefreshToken').find('r1')).toBeUndefined();
  });

  test('a refresh token that is used twice within the grace gives the same salt', async () => {
    const adapter = adapterOf('RefreshToken', 10);
    await adapter.upsert('r1', { jti: 'r1', grantId: 'g1' }, 60);

    await Promise.all(Array.from({ length: 20 }, () => adapter.consume('r1')));
    time += 9_000;
    const withinGrace = await adapter.find('r1');
    await adapter.consume('r1');

    expect(new Set(salts).size).toBe(1);
    expect(withinGrace).not.toHaveProperty('consumed');
  });

  test('after the grace it is used up, and using it revokes the grant', async () => {
    const adapter = adapterOf('RefreshToken', 10);
    await adapterOf('Grant').upsert('g1', { jti: 'g1' }, 60);
    await adapter.upsert('r1', { jti: 'r1', grantId: 'g1' }, 60);
    await adapter.consume('r1');
    time += 10_000;

    const found = await adapter.find('r1');

    expect(found).toMatchObject({ consumed: Date.parse('2027-01-01T00:00:00.000Z') / 1000 });
    await expect(adapter.consume('r1')).rejects.toMatchObject({ error: 'invalid_grant' });
    expect(await adapterOf('Grant').find('g1')).toBeUndefined();
  });

  test('a refresh token that is saved again stays used', async () => {
    const adapter = adapterOf('RefreshToken', 0);
    await adapter.upsert('r1', { jti: 'r1', grantId: 'g1' }, 60);
    await adapter.consume('r1');

    await adapter.upsert('r1', { jti: 'r1', grantId: 'g1' }, 60);

    await expect(adapter.consume('r1')).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  test("destroying a grant destroys what was issued under it, and nobody else's", async () => {
    await adapterOf('Grant').upsert('g1', { jti: 'g1' }, 60);
    await adapterOf('AccessToken').upsert('a1', { jti: 'a1', grantId: 'g1' }, 60);
    await adapterOf('AccessToken').upsert('a2', { jti: 'a2', grantId: 'g2' }, 60);

    await adapterOf('Grant').destroy('g1');

    expect(await adapterOf('AccessToken').find('a1')).toBeUndefined();
    expect(await adapterOf('AccessToken').find('a2')).toBeDefined();
  });

  test('an assertion id is accepted once', async () => {
    await adapterOf('ReplayDetection').upsert('x', { jti: 'x' }, 60);

    await expect(adapterOf('ReplayDetection').upsert('x', { jti: 'x' }, 60)).rejects.toThrow();
  });

  test('what has expired is purged, and clients that nobody used go first', async () => {
    await adapterOf('Client').upsert('c1', { client_id: 'c1' }, 0);
    await store.markUsed('Client', 'c1', 3_600);
    time += 1_000;
    await adapterOf('Client').upsert('c2', { client_id: 'c2' }, 0);
    time += 1_000;
    await adapterOf('Client').upsert('c3', { client_id: 'c3' }, 0);

    expect(await store.deleteOldestUnused('Client', 1)).toBe(1);
    expect(await adapterOf('Client').find('c2')).toBeUndefined();
    time += 61_000;
    await store.purge();

    expect(await adapterOf('Client').find('c3')).toBeUndefined();
    expect(await adapterOf('Client').find('c1')).toEqual({ client_id: 'c1' });
    expect(await store.countOf('Client')).toBe(1);
  });

  test('of two that decide on a device code one succeeds', async () => {
    const adapter = adapterOf('DeviceCode');
    await adapter.upsert('d1', { jti: 'd1', userCode: 'ABCD' }, 60);
    const decide = (accountId: string) =>
      store.changeByAlias('DeviceCode', 'ABCD', payload => ({ payload: { ...payload, accountId }, grantId: 'g1' }));

    const decisions = await Promise.all([decide('user:default/ada'), decide('user:default/bob')]);

    expect(decisions.filter(Boolean)).toHaveLength(1);
    expect(await adapter.find('d1')).toMatchObject({ jti: 'd1', accountId: expect.any(String) });
  });

  test('replicas that start at once share the migrations', async () => {
    const another: Knex = database.db;

    await Promise.all([1, 2, 3].map(() => openDatabase({ getClient: async () => another })));
  });
}
