import { describeOnPostgres, openPostgres, openSqlite, type TestDatabase } from '@callboard/test-utils';
import * as jose from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from '../openDatabase.js';
import { KeyRing } from './KeyRing.js';
import { issueUserToken } from './userTokens.js';

describe('KeyRing on SQLite', () => keyRingSuite(openSqlite));
await describeOnPostgres('KeyRing on PostgreSQL', () => keyRingSuite(openPostgres));

function keyRingSuite(open: () => Promise<TestDatabase>) {
  let database: TestDatabase;
  let time: number;

  beforeEach(async () => {
    database = await open();
    await openDatabase({ getClient: async () => database.db });
    time = Date.parse('2027-01-01T00:00:00.000Z');
  });
  afterEach(() => database.drop());

  function makeRing(): KeyRing {
    return new KeyRing({ db: database.db, now: () => time, keyLifetimeSeconds: 100, tokenLifetimeSeconds: 60 });
  }

  async function signWith(ring: KeyRing): Promise<string> {
    const { kid, privateKey } = await ring.getCurrentKey();
    const iat = Math.floor(time / 1000);
    return new jose.SignJWT({ iss: 'i', aud: 'a', sub: 's', jti: 'the-id', iat, exp: iat + 60 })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
      .sign(privateKey);
  }

  const expected = { typ: 'at+jwt', issuer: 'i', audience: 'a' };

  test('a token of one replica is verified by another at once', async () => {
    const token = await signWith(makeRing());

    expect(await makeRing().verify(token, expected)).toMatchObject({ sub: 's' });
  });

  test('many who ask at once get one key', async () => {
    const ring = makeRing();

    const keys = await Promise.all(Array.from({ length: 20 }, () => ring.getCurrentKey()));

    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(1);
    expect(await ring.listPublicKeys()).toHaveLength(1);
  });

  test('keys change in time, and old ones verify for as long as their tokens live', async () => {
    const ring = makeRing();
    time += 99_000;
    const first = await ring.getCurrentKey();
    const token = await signWith(ring);
    time += 100_000 - 1;
    expect((await ring.getCurrentKey()).kid).toBe(first.kid);
    time += 1;
    const second = await ring.getCurrentKey();

    expect(second.kid).not.toBe(first.kid);
    expect(await ring.readTokenId(token)).toBe('the-id');
    expect((await ring.listPublicKeys()).map(({ kid }) => kid)).toEqual([second.kid, first.kid]);
    time += 7_200_000;
    await ring.purge();
    expect(await ring.listPublicKeys()).toEqual([]);
    expect(await ring.readTokenId(token)).toBeUndefined();
  });

  test('the database holds public halves only', async () => {
    const ring = makeRing();
    const { privateJwk } = await ring.getCurrentKey();

    const dump = JSON.stringify(await database.db('callboard_public_keys'));

    expect(privateJwk.d).toBeTruthy();
    expect(dump).not.toContain(privateJwk.d);
    expect((await ring.listPublicKeys())[0]).toEqual({
      kty: 'EC',
      crv: 'P-256',
      x: expect.any(String),
      y: expect.any(String),
      alg: 'ES256',
      use: 'sig',
      kid: expect.any(String),
    });
  });

  test('tokens of another kind, issuer, audience, key or time are refused', async () => {
    const ring = makeRing();
    const token = await signWith(ring);
    const userToken = await issueUserToken({
      keys: ring,
      issuer: 'i',
      userEntityRef: 's',
      issuedAt: Math.floor(time / 1000),
      expiresAt: Math.floor(time / 1000) + 60,
    });

    await expect(ring.verify(userToken, { ...expected, audience: 'backstage' })).rejects.toThrow();
    await expect(ring.verify(token, { ...expected, issuer: 'j' })).rejects.toThrow();
    await expect(ring.verify(token, { ...expected, audience: 'b' })).rejects.toThrow();
    await expect(ring.verify(`${token.slice(0, -4)}AAAA`, expected)).rejects.toThrow();
    expect(await ring.readTokenId(`${token.slice(0, -4)}AAAA`)).toBeUndefined();
    time += 61_000;
    await expect(ring.verify(token, expected)).rejects.toThrow();
  });
}
