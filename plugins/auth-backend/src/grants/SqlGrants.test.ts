import { describeOnPostgres, openPostgres, openSqlite, type TestDatabase } from '@callboard/test-utils';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RecordStore } from '../engine/RecordStore.js';
import { openDatabase } from '../openDatabase.js';
import { SqlGrants } from './SqlGrants.js';

describe('SqlGrants on SQLite', () => grantsSuite(openSqlite));
await describeOnPostgres('SqlGrants on PostgreSQL', () => grantsSuite(openPostgres));

function grantsSuite(open: () => Promise<TestDatabase>) {
  let database: TestDatabase;
  let store: RecordStore;
  let grants: SqlGrants;
  let time: number;

  beforeEach(async () => {
    database = await open();
    await openDatabase({ getClient: async () => database.db });
    time = Date.parse('2027-01-01T00:00:00.000Z');
    store = new RecordStore({ db: database.db, now: () => time });
    grants = new SqlGrants({ db: database.db, store, now: () => time, clientLifetimeSeconds: 3_600 });
  });
  afterEach(() => database.drop());

  async function addGrant(id: string, options: { user?: string; redirectUri?: string; tokenSeconds?: number } = {}) {
    const { user = 'user:default/ada', redirectUri = 'http://127.0.0.1:33418/cb', tokenSeconds = 600 } = options;
    const client = { id: `client-of-${id}`, name: `Name ${id}`, redirectUri, isLoopback: true };
    await store.put('Grant', id, { payload: {}, expiresInSeconds: 600, onConflict: 'replace' });
    await grants.add({ id, userEntityRef: user, client, resource: 'http://b/v1', scopes: ['actions:read'] });
    await store.put('RefreshToken', `token-${id}`, {
      payload: {},
      grantId: id,
      expiresInSeconds: tokenSeconds,
      onConflict: 'replace',
    });
  }

  test("a person's applications are listed, newest first, with where they are", async () => {
    await addGrant('g1');
    time += 1_000;
    await addGrant('g2', { redirectUri: 'cursor://anysphere.cursor-mcp/oauth/callback' });
    await addGrant('g3', { user: 'user:default/bob' });

    const list = await grants.list('user:default/ada');

    expect(list).toEqual([
      {
        id: 'g2',
        clientId: 'client-of-g2',
        clientName: 'Name g2',
        redirectHosts: ['cursor://anysphere.cursor-mcp'],
        resource: 'http://b/v1',
        scopes: ['actions:read'],
        createdAt: '2027-01-01T00:00:01.000Z',
      },
      expect.objectContaining({ id: 'g1', redirectHosts: ['127.0.0.1:33418'] }),
    ]);
  });

  test('one whose tokens are over is not listed, and is purged later', async () => {
    await addGrant('g1', { tokenSeconds: 10 });
    time += 11_000;

    expect(await grants.list('user:default/ada')).toEqual([]);
    time += 86_400_000;
    await store.purge();
    expect(await grants.find('g1')).toBeUndefined();
  });

  test('revoking ends the grant with its tokens; only its owner can', async () => {
    await addGrant('g1');

    await expect(grants.revoke('user:default/bob', 'g1')).rejects.toThrow('not found');
    expect(await store.hasGrant('g1')).toBe(true);
    await grants.revoke('user:default/ada', 'g1');

    expect(await store.hasGrant('g1')).toBe(false);
    expect(await store.find('RefreshToken', 'token-g1')).toBeUndefined();
    expect(await grants.list('user:default/ada')).toEqual([]);
    await expect(grants.revoke('user:default/ada', 'g1')).rejects.toThrow('not found');
  });

  test('the last use is noted, by the minute', async () => {
    await addGrant('g1');
    await grants.markUsed('g1');
    time += 59_000;
    await grants.markUsed('g1');
    const early = await grants.find('g1');
    time += 2_000;
    await grants.markUsed('g1');

    expect(early?.lastUsedAt).toBe('2027-01-01T00:00:00.000Z');
    expect((await grants.find('g1'))?.lastUsedAt).toBe('2027-01-01T00:01:01.000Z');
  });
}
