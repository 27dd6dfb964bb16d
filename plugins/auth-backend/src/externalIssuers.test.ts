import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { freePort } from '@callboard/test-utils';
import * as jose from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AuthApp, startAuthApp } from './testing/startAuthApp.js';

let provider: Server;
let issuer: string;
let announcedIssuer: string;
let keys: jose.GenerateKeyPairResult;
let app: AuthApp;

beforeAll(async () => {
  keys = await jose.generateKeyPair('RS256');
  const jwk = { ...(await jose.exportJWK(keys.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' };
  provider = createServer((request, response) => {
    const body = request.url?.endsWith('/keys')
      ? { keys: [jwk] }
      : { issuer: announcedIssuer, jwks_uri: `${issuer}/keys` };
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(provider, 'listening');
  issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  announcedIssuer = issuer;
  app = await startAuthApp({
    auth: {
      experimentalDynamicClientRegistration: { enabled: false },
      externalIssuers: [{ issuer, audience: 'api://board', claims: { userName: 'login' } }],
    },
  });
});
afterAll(async () => {
  await app?.stop();
  provider.closeAllConnections();
  provider.close();
});

function makeToken(changes: Record<string, unknown> = {}, key: jose.GenerateKeyPairResult = keys): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer, sub: '0a1b', aud: 'api://board', login: 'Ada', scp: ['actions.write'], azp: 'desk' };
  return new jose.SignJWT({ ...claims, iat: now, exp: now + 600, ...changes })
    .setProtectedHeader({ alg: 'RS256', kid: 'k1', typ: 'JWT' })
    .sign(key.privateKey);
}

test("an identity provider's token stands for the user that its claims name", async () => {
  const { status, body } = await app.exchange(await makeToken());
  const direct = await fetch(`${app.url}/api/probe/whoami`, { headers: { Authorization: `Bearer ${body.token}` } });

  expect(status).toBe(200);
  expect(body).toMatchObject({
    subject: 'user:default/ada',
    clientId: 'desk',
    scopes: ['actions:read', 'actions:write'],
  });
  expect(direct.status).toBe(200);
});

test('it lives no longer than an hour here', async () => {
  const { body } = await app.exchange(await makeToken({ exp: Math.floor(Date.now() / 1000) + 86_400 }));

  expect(Date.parse(body.expiresAt) - Date.now()).toBeLessThanOrEqual(3_600_000);
});

test.each<[string, Record<string, unknown>]>([
  ['for another audience', { aud: 'api://other' }],
  ['without an audience', { aud: undefined }],
  ['that has expired', { exp: 1_000_000 }],
  ['without an expiry', { exp: undefined }],
  ['of another issuer', { iss: 'https://elsewhere.example' }],
  ['without a scope of ours', { scp: ['openid'] }],
  ['without a user name', { login: undefined }],
  ['with a name that is none', { login: '../../admin' }],
])('one %s is refused', async (_name, changes) => {
  expect((await app.exchange(await makeToken(changes))).status).toBe(401);
});

test("one that somebody else signed is refused, and so is ours with the provider's name", async () => {
  const forged = await makeToken({}, await jose.generateKeyPair('RS256'));
  const secret = new TextEncoder().encode(JSON.stringify(await jose.exportJWK(keys.publicKey)));
  const confused = await new jose.SignJWT(jose.decodeJwt(forged))
    .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
    .sign(secret);

  expect((await app.exchange(forged)).status).toBe(401);
  expect((await app.exchange(confused)).status).toBe(401);
});

test('an audience that is one of the servers is good for that one only', async () => {
  const port = await freePort();
  const resource = `http://localhost:${port}/api/mcp-actions/v1/ops`;
  const other = await startAuthApp({
    port,
    auth: { externalIssuers: [{ issuer, audience: resource, claims: { userName: 'login' } }] },
  });
  try {
    const token = await makeToken({ aud: resource });

    expect((await other.exchange(token, resource)).status).toBe(200);
    expect((await other.exchange(token)).status).toBe(401);
  } finally {
    await other.stop();
  }
});

test('a provider that speaks for another is not believed', async () => {
  announcedIssuer = 'https://elsewhere.example';
  const fresh = await startAuthApp({
    auth: { externalIssuers: [{ issuer, audience: 'api://board', claims: { userName: 'login' } }] },
  });
  try {
    expect((await fresh.exchange(await makeToken())).status).toBe(503);
  } finally {
    announcedIssuer = issuer;
    await fresh.stop();
  }
});
