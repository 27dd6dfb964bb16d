import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeOnPostgres, freePort, openPostgres } from '@callboard/test-utils';
import * as jose from 'jose';
import createKnex from 'knex';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Browser } from './testing/Browser.js';
import { type AuthApp, answer, publicClient, shorthands, startAuthApp } from './testing/startAuthApp.js';

let folder: string;
const running: AuthApp[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'callboard-auth-'));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map(app => app.stop()));
  rmSync(folder, { recursive: true });
});

async function start(options: Parameters<typeof startAuthApp>[0] = {}): Promise<AuthApp> {
  const app = await startAuthApp(options);
  running.push(app);
  return app;
}

test('without a grace, a refresh token that is used again ends the whole family', async () => {
  const app = await start({ auth: { tokens: { refreshGraceSeconds: 0 } } });
  const clientId = await app.registerClient();
  const first = await app.signIn(clientId);
  const second = (await app.refresh(clientId, first.refresh_token)).body;
  const before = await app.exchange(second.access_token);

  const reuse = await app.refresh(clientId, first.refresh_token);

  expect(before.status).toBe(200);
  expect(reuse.body.error).toBe('invalid_grant');
  expect((await app.refresh(clientId, second.refresh_token)).body.error).toBe('invalid_grant');
  expect((await app.exchange(second.access_token)).status).toBe(401);
  expect((await app.exchange(first.access_token)).status).toBe(401);
});

test('with a grace, reuse after it ends the whole family', async () => {
  let ahead = 0;
  const app = await start({ surroundings: { now: () => Date.now() + ahead } });
  const clientId = await app.registerClient();
  const first = await app.signIn(clientId);
  const second = (await app.refresh(clientId, first.refresh_token)).body;
  ahead = 9_000;
  const within = await app.refresh(clientId, first.refresh_token);
  ahead = 11_000;
  const after = await app.refresh(clientId, first.refresh_token);

  expect(within.body.refresh_token).toBe(second.refresh_token);
  expect(after.body.error).toBe('invalid_grant');
  expect((await app.refresh(clientId, second.refresh_token)).body.error).toBe('invalid_grant');
});

test('keys rotate, and tokens of the old key stay valid', async () => {
  let ahead = 0;
  const app = await start({ surroundings: { now: () => Date.now() + ahead, keyLifetimeSeconds: 60 } });
  const clientId = await app.registerClient();
  const first = await app.signIn(clientId);
  ahead = 61_000;
  const second = await app.signIn(clientId);

  const kids = [first, second].map(({ access_token }) => jose.decodeProtectedHeader(access_token).kid);
  const { body: jwks } = await answer(await fetch(`${app.issuer}/.well-known/jwks.json`));

  expect(kids[0]).not.toBe(kids[1]);
  expect(jwks.keys.map(({ kid }: { kid: string }) => kid)).toEqual(expect.arrayContaining(kids));
  expect(JSON.stringify(jwks)).not.toContain('"d"');
  expect((await app.exchange(first.access_token)).status).toBe(200);
  expect((await app.exchange(second.access_token)).status).toBe(200);
  expect((await app.refresh(clientId, first.refresh_token)).status).toBe(200);
});

test('tokens expire', async () => {
  let ahead = 0;
  const app = await start({
    auth: { tokens: { accessTokenMinutes: 1 } },
    surroundings: { now: () => Date.now() + ahead },
  });
  const clientId = await app.registerClient();
  const { access_token, expires_in } = await app.signIn(clientId);
  ahead = 61_000;

  expect(expires_in).toBe(60);
  expect((await app.exchange(access_token)).status).toBe(401);
});

test('a restart keeps clients, sign-ins and tokens, and the database holds none of them in clear', async () => {
  const port = await freePort();
  const backend = {
    baseUrl: `http://localhost:${port}`,
    listen: { host: '127.0.0.1', port },
    database: { client: 'better-sqlite3', connection: { directory: folder } },
  };
  const before = await startAuthApp({ port, backend });
  const { body: client } = await before.register({ ...publicClient, token_endpoint_auth_method: 'client_secret_post' });
  const publicId = await before.registerClient();
  const tokens = await before.signIn(publicId);
  const browser = new Browser(before.url);
  const { url, verifier } = await before.authorizeUrl(publicId);
  const code = (await before.approve(url, { browser })).searchParams.get('code') as string;
  const pending = await browser.open((await before.authorizeUrl(publicId)).url);
  const { body: device } = await before.post('/v1/device_authorization', { client_id: publicId });
  await before.stop();

  const db = createKnex({
    client: 'better-sqlite3',
    connection: { filename: join(folder, 'auth.sqlite') },
    useNullAsDefault: true,
  });
  const tables = await db('sqlite_master').where({ type: 'table' }).pluck('name');
  const dump = JSON.stringify(await Promise.all(tables.map(table => db(table))));
  await db.destroy();
  const after = await start({ port, backend });
  const exchanged = await after.exchange(tokens.access_token);
  const refreshed = await after.refresh(publicId, tokens.refresh_token);
  const redeemed = await after.post('/v1/token', {
    grant_type: 'authorization_code',
    client_id: publicId,
    code,
    code_verifier: verifier,
    redirect_uri: publicClient.redirect_uris[0] as string,
  });

  const uid = new URL(pending.url).pathname.split('/').at(-1) as string;
  const secrets = [tokens.refresh_token, tokens.access_token, code, client.client_secret, uid, device.device_code];
  expect(tables).toContain('callboard_records');
  expect(secrets.filter(secret => dump.includes(secret))).toEqual([]);
  expect(dump).not.toContain('"d\\":');
  expect([exchanged.status, refreshed.status, redeemed.status]).toEqual([200, 200, 200]);
});

await describeOnPostgres('on PostgreSQL', () => {
  test('two replicas are one server', async () => {
    const database = await openPostgres();
    try {
      const prefix = `${new URL(database.url).pathname.slice(1)}_`;
      const ports = [await freePort(), await freePort()];
      const baseUrl = `http://localhost:${ports[0]}`;
      // One after the other: Backstage's own migrations do not wait for each other.
      for (const port of ports) {
        await start({
          port,
          backend: {
            baseUrl,
            listen: { host: '127.0.0.1', port },
            database: { client: 'pg', connection: database.url, prefix, pluginDivisionMode: 'schema' },
          },
        });
      }
      const issuer = `${baseUrl}/api/auth`;
      const resource = `${baseUrl}/api/mcp-actions/v1`;
      const [one, two] = ports.map(port => shorthands(`http://localhost:${port}`, issuer, resource)) as [
        AuthApp,
        AuthApp,
      ];
      const clientId = await one.registerClient();
      const { url, verifier } = await one.authorizeUrl(clientId);
      const code = (await one.approve(url)).searchParams.get('code') as string;
      const redemptions = await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          (index % 2 ? one : two).post('/v1/token', {
            grant_type: 'authorization_code',
            client_id: clientId,
            code,
            code_verifier: verifier,
            redirect_uri: publicClient.redirect_uris[0] as string,
          }),
        ),
      );
      const winners = redemptions.filter(({ status }) => status === 200);
      const tokens = await two.signIn(clientId);
      const refreshes = await Promise.all(
        Array.from({ length: 20 }, (_, index) => (index % 2 ? one : two).refresh(clientId, tokens.refresh_token)),
      );
      const exchanges = await Promise.all(
        refreshes.flatMap(({ body }) => [one.exchange(body.access_token), two.exchange(body.access_token)]),
      );

      expect(winners).toHaveLength(1);
      expect((await one.exchange(winners[0]?.body.access_token)).status).toBe(401);
      expect(new Set(refreshes.map(({ body }) => body.refresh_token)).size).toBe(1);
      expect(exchanges.map(({ status }) => status)).toEqual(exchanges.map(() => 200));
    } finally {
      await Promise.all(running.splice(0).map(app => app.stop()));
      await database.drop();
    }
  });
});
