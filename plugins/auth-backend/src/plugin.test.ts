import { freePort } from '@callboard/test-utils';
import { afterEach, expect, test } from 'vitest';
import { hashPassword } from './signIn/passwordHash.js';
import { Browser } from './testing/Browser.js';
import { type AuthApp, allScopes, answer, publicClient, startAuthApp } from './testing/startAuthApp.js';

let app: AuthApp | undefined;
afterEach(() => app?.stop());

test('while nothing is on there is only the key set', async () => {
  app = await startAuthApp({ auth: { experimentalDynamicClientRegistration: { enabled: false } } });
  const paths = [
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
    '/api/auth/.well-known/openid-configuration',
    '/api/auth/v1/authorize',
    '/api/auth/connections',
  ];

  const statuses = await Promise.all(paths.map(async path => (await fetch(`${app?.url}${path}`)).status));

  expect(statuses).toEqual(paths.map(() => 404));
  expect((await app.post('/v1/token', {})).status).toBe(404);
  expect((await app.register()).status).toBe(404);
  expect((await fetch(`${app.issuer}/.well-known/jwks.json`)).status).toBe(200);
});

test('a configured client authenticates with its secret, and registration stays off', async () => {
  const clientSecret = 'a-long-secret-of-the-test';
  app = await startAuthApp({
    auth: {
      experimentalDynamicClientRegistration: { enabled: false },
      clients: [{ clientId: 'web', name: 'Web App', clientSecret, redirectUris: ['https://app.example.com/cb'] }],
    },
  });
  const { url, verifier } = await app.authorizeUrl('web', { redirect_uri: 'https://app.example.com/cb' });
  const code = (await app.approve(url)).searchParams.get('code') as string;
  const redeem = (secret: string) =>
    (app as AuthApp).post(
      '/v1/token',
      {
        grant_type: 'authorization_code',
        code,
        code_verifier: verifier,
        redirect_uri: 'https://app.example.com/cb',
      },
      { Authorization: `Basic ${Buffer.from(`web:${secret}`).toString('base64')}` },
    );

  expect((await redeem('wrong-secret-of-the-test')).status).toBe(401);
  expect((await redeem(clientSecret)).status).toBe(200);
  const inForm = { client_id: 'web', token: 'unknown' };
  expect((await app.post('/v1/introspect', { ...inForm, client_secret: clientSecret })).status).toBe(200);
  expect((await app.post('/v1/introspect', { ...inForm, client_secret: 'wrong' })).status).toBe(401);
  expect((await app.post('/v1/introspect', inForm)).status).toBe(401);
  expect((await app.register()).status).toBe(404);
});

test('also for a client with a secret, PKCE is required', async () => {
  app = await startAuthApp({
    auth: {
      clients: [{ clientId: 'web', name: 'W', clientSecret: 'x'.repeat(20), redirectUris: ['https://a.example/cb'] }],
    },
  });
  const { url } = await app.authorizeUrl('web', {
    redirect_uri: 'https://a.example/cb',
    code_challenge: undefined,
    code_challenge_method: undefined,
  });

  expect((await app.approve(url)).searchParams.get('error')).toBe('invalid_request');
});

test('behind a proxy that strips a path, all URLs and cookies are external ones', async () => {
  const port = await freePort();
  app = await startAuthApp({
    port,
    auth: { providers: {} },
    backend: { baseUrl: 'https://portal.example.com/callboard', listen: { host: '127.0.0.1', port } },
  });
  const issuer = 'https://portal.example.com/callboard/api/auth';
  const clientId = await app.registerClient();
  const { url } = await app.authorizeUrl(clientId, { resource: undefined });

  const { body: metadata } = await answer(await fetch(`${app.issuer}/.well-known/openid-configuration`));
  const atRoot = await fetch(`${app.url}/.well-known/oauth-authorization-server/callboard/api/auth`);
  const begun = await fetch(url, { redirect: 'manual' });
  const { body: device } = await app.post('/v1/device_authorization', { client_id: clientId });

  expect(metadata).toMatchObject({ issuer, token_endpoint: `${issuer}/v1/token` });
  expect(atRoot.status).toBe(200);
  expect(device.verification_uri).toBe(`${issuer}/device`);
  expect(begun.headers.get('location')).toMatch(/^\/callboard\/api\/auth\/interaction\//);
  for (const cookie of begun.headers.getSetCookie()) {
    expect(cookie).toMatch(/; path=\/callboard\/api\/auth\//i);
    expect(cookie).toMatch(/; secure/i);
    expect(cookie).toMatch(/; httponly/i);
    expect(cookie).toMatch(/; samesite=lax/i);
  }
});

test('a person sees the connected applications, and what is revoked ends at once', async () => {
  app = await startAuthApp();
  const clientId = await app.registerClient();
  const browser = new Browser(app.url);
  const { url, verifier } = await app.authorizeUrl(clientId);
  const code = (await app.approve(url, { browser })).searchParams.get('code') as string;
  const { body: tokens } = await app.post('/v1/token', {
    grant_type: 'authorization_code',
    client_id: clientId,
    code,
    code_verifier: verifier,
    redirect_uri: publicClient.redirect_uris[0] as string,
  });
  const { body: exchanged } = await app.exchange(tokens.access_token);

  const page = await browser.open(`${app.issuer}/connections`);
  const form = /action="([^"]*revoke[^"]*|[^"]*connections\/[^"]*)"/.exec(page.text)?.[1] ?? '';
  const after = await browser.submit(page, form);

  expect(page.text).toContain('Test Client');
  expect(exchanged.scopes).toEqual(allScopes);
  expect(after.text).not.toContain('Test Client');
  expect((await app.exchange(tokens.access_token)).status).toBe(401);
  expect((await app.refresh(clientId, tokens.refresh_token)).body.error).toBe('invalid_grant');
});

test('somebody else can sign in during a request, and the tokens are theirs', async () => {
  app = await startAuthApp({
    auth: { localUsers: [{ name: 'ada', passwordHash: await hashPassword('correct horse battery') }] },
  });
  const clientId = await app.registerClient();
  const browser = new Browser(app.url);
  await app.approve((await app.authorizeUrl(clientId)).url, { browser });
  const { url, verifier } = await app.authorizeUrl(clientId);

  const asGuest = await browser.open(url);
  const signIn = await browser.submit(asGuest, '/switch-user');
  const asAda = await browser.submit(signIn, '/sign-in', [
    ['name', 'ada'],
    ['password', 'correct horse battery'],
  ]);
  const end = await browser.submit(asAda, '/consent', [
    ['decision', 'approve'],
    ['scope', 'actions:read'],
  ]);
  const { body: tokens } = await app.post('/v1/token', {
    grant_type: 'authorization_code',
    client_id: clientId,
    code: new URL(end.url).searchParams.get('code') as string,
    code_verifier: verifier,
    redirect_uri: publicClient.redirect_uris[0] as string,
  });

  expect(asGuest.text).toContain('user:development/guest');
  expect((await app.exchange(tokens.access_token)).body.subject).toBe('user:default/ada');
});

test('the log tells why a client was refused, and no secret', async () => {
  app = await startAuthApp();
  const clientId = await app.registerClient();
  await app.register({ redirect_uris: ['https://evil.example/cb'] });
  await app.refresh(clientId, 'a-token-that-is-none');

  const lines = app.logs.map(({ message }) => message).filter(message => message.startsWith('A client was refused'));

  expect(lines).toEqual([
    expect.stringContaining('invalid_redirect_uri, redirect_uris has "https://evil.example/cb"'),
    expect.stringContaining('invalid_grant'),
  ]);
  expect(JSON.stringify(app.logs)).not.toContain('a-token-that-is-none');
});

test('forms are read up to a size', async () => {
  app = await startAuthApp();

  const { status, body } = await app.post('/v1/token', { grant_type: 'x', refresh_token: 'x'.repeat(100_000) });

  expect([status, body.error]).toEqual([413, 'invalid_request']);
});

test('what is sent as JSON, or as nothing, is refused', async () => {
  app = await startAuthApp();
  const send = async (init: RequestInit) => answer(await fetch(`${app?.issuer}/v1/token`, { method: 'POST', ...init }));

  const json = await send({ body: '{"grant_type":"x"}', headers: { 'Content-Type': 'application/json' } });
  const nothing = await send({});

  expect([json.status, nothing.status]).toEqual([400, 400]);
  expect([json.body.error, nothing.body.error]).toEqual(['invalid_request', 'invalid_request']);
});

test('clients in a browser may call the token endpoint', async () => {
  app = await startAuthApp();
  const clientId = await app.registerClient();

  const { headers } = await app.post(
    '/v1/token',
    { grant_type: 'refresh_token', client_id: clientId, refresh_token: 'x' },
    { Origin: 'https://inspector.example' },
  );

  expect(headers.get('access-control-allow-origin')).toBe('https://inspector.example');
});

test.each([
  ['http://portal.example.com', true],
  ['https://portal.example.com', false],
  ['http://localhost', false],
])('a base URL of %s is warned of: %s', async (baseUrl, isWarnedOf) => {
  const port = await freePort();
  app = await startAuthApp({
    port,
    auth: { providers: {} },
    backend: { baseUrl, listen: { host: '127.0.0.1', port } },
  });

  const warnings = app.logs.filter(({ message }) => String(message).includes('would travel readably'));

  expect(warnings.length > 0).toBe(isWarnedOf);
});
