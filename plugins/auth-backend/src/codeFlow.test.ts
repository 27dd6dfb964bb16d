import * as jose from 'jose';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser } from './testing/Browser.js';
import { type AuthApp, allScopes, answer, insecure, publicClient, startAuthApp } from './testing/startAuthApp.js';

let app: AuthApp;
let clientId: string;

beforeAll(async () => {
  app = await startAuthApp();
  clientId = await app.registerClient();
});
afterAll(() => app?.stop());

test('an independent client library discovers, registers, signs in, refreshes and revokes', async () => {
  const issuer = new URL(app.issuer);
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }),
  );
  const client = await oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(server, publicClient, insecure),
  );
  const { url, verifier } = await app.authorizeUrl(client.client_id);
  const end = await app.approve(url);
  const params = oauth.validateAuthResponse(server, client, end, 'the-state');
  const first = await oauth.processAuthorizationCodeResponse(
    server,
    client,
    await oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.None(),
      params,
      publicClient.redirect_uris[0] as string,
      verifier,
      { additionalParameters: { resource: app.resource }, ...insecure },
    ),
  );
  const second = await oauth.processRefreshTokenResponse(
    server,
    client,
    await oauth.refreshTokenGrantRequest(server, client, oauth.None(), first.refresh_token as string, insecure),
  );
  const introspection = await oauth.processIntrospectionResponse(
    server,
    client,
    await oauth.introspectionRequest(server, client, oauth.None(), second.access_token, insecure),
  );
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(server, client, oauth.None(), second.refresh_token as string, insecure),
  );

  expect(end.searchParams.get('iss')).toBe(app.issuer);
  expect(first).toMatchObject({ expires_in: 900, token_type: 'bearer', scope: allScopes.join(' ') });
  expect(second.refresh_token).not.toBe(first.refresh_token);
  expect(introspection).toMatchObject({ active: true, sub: 'user:development/guest', aud: app.resource });
  expect((await app.exchange(second.access_token)).status).toBe(401);
  expect((await app.refresh(client.client_id, second.refresh_token as string)).body.error).toBe('invalid_grant');
});

test('the access token is a signed one of RFC 9068 for the MCP server', async () => {
  const { access_token } = await app.signIn(clientId);

  const header = jose.decodeProtectedHeader(access_token);
  const { payload } = await jose.jwtVerify(
    access_token,
    jose.createRemoteJWKSet(new URL(`${app.issuer}/.well-known/jwks.json`)),
    { issuer: app.issuer, audience: app.resource, typ: 'at+jwt', algorithms: ['ES256'] },
  );

  expect(header).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) });
  expect(payload).toEqual({
    iss: app.issuer,
    sub: 'user:development/guest',
    aud: app.resource,
    client_id: clientId,
    scope: allScopes.join(' '),
    iat: expect.any(Number),
    exp: (payload.iat as number) + 900,
    jti: expect.any(String),
    grant_id: expect.any(String),
  });
});

test('the MCP plugin exchanges it for a token that the stock services take, also between plugins', async () => {
  const { access_token } = await app.signIn(clientId, {}, ['actions:read', 'actions:write']);

  const exchanged = await app.exchange(access_token);
  const direct = await answer(
    await fetch(`${app.url}/api/probe/whoami`, { headers: { Authorization: `Bearer ${exchanged.body.token}` } }),
  );
  const delegated = await answer(
    await fetch(`${app.url}/api/mcp-actions/delegate`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token: exchanged.body.token }),
    }),
  );

  expect(exchanged).toMatchObject({
    status: 200,
    body: {
      subject: 'user:development/guest',
      clientId,
      clientName: 'Test Client',
      scopes: ['actions:read', 'actions:write'],
      grantId: expect.any(String),
      expiresAt: new Date((jose.decodeJwt(access_token).exp as number) * 1000).toISOString(),
    },
  });
  expect(jose.decodeJwt(exchanged.body.token).exp).toBe(jose.decodeJwt(access_token).exp);
  expect(direct).toMatchObject({
    status: 200,
    body: {
      principal: { type: 'user', userEntityRef: 'user:development/guest' },
      info: { ownershipEntityRefs: ['user:development/guest'] },
    },
  });
  expect(delegated).toMatchObject({
    status: 200,
    body: { principal: { userEntityRef: 'user:development/guest', actor: { subject: 'plugin:mcp-actions' } } },
  });
  const userInfo = await answer(
    await fetch(`${app.issuer}/v1/userinfo`, { headers: { Authorization: `Bearer ${direct.body.limited}` } }),
  );
  expect(userInfo.body).toEqual({ claims: { sub: 'user:development/guest', ent: ['user:development/guest'] } });
});

test('no other plugin takes the access token, and no other plugin may exchange it', async () => {
  const { access_token, refresh_token } = await app.signIn(clientId);

  const atStockPlugin = await fetch(`${app.url}/api/probe/whoami`, {
    headers: { Authorization: `Bearer ${access_token}` },
  });
  const refreshAtStockPlugin = await fetch(`${app.url}/api/probe/whoami`, {
    headers: { Authorization: `Bearer ${refresh_token}` },
  });
  const atUserInfo = await fetch(`${app.issuer}/v1/userinfo`, { headers: { Authorization: `Bearer ${access_token}` } });
  const byStranger = await fetch(`${app.url}/api/stranger/exchange`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ token: access_token, resource: app.resource }),
  });
  const byAnyone = await fetch(`${app.issuer}/v1/mcp-token`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ token: access_token, resource: app.resource }),
  });

  expect([atStockPlugin.status, refreshAtStockPlugin.status, atUserInfo.status]).toEqual([401, 401, 401]);
  expect([byStranger.status, byAnyone.status]).toEqual([403, 401]);
});

test('the exchange refuses what is not an access token for that very server', async () => {
  const { access_token, refresh_token } = await app.signIn(clientId);
  const exchanged = await app.exchange(access_token);
  const [header, payload] = access_token.split('.') as [string, string];
  const unsigned = `${Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url')}.${payload}.`;
  const foreignKey = await jose.generateKeyPair('ES256');
  const forged = await new jose.SignJWT(jose.decodeJwt(access_token))
    .setProtectedHeader({ ...jose.decodeProtectedHeader(access_token), alg: 'ES256' })
    .sign(foreignKey.privateKey);

  const refused = await Promise.all([
    app.exchange(access_token, `${app.resource}/ops`),
    app.exchange(access_token, 'https://elsewhere.example/mcp'),
    app.exchange(refresh_token),
    app.exchange(exchanged.body.token),
    app.exchange(unsigned),
    app.exchange(forged),
    app.exchange(`${header}.${payload}.AAAA`),
    app.exchange('nonsense'),
  ]);

  expect(refused.map(({ status, body }) => [status, body.error])).toEqual(refused.map(() => [401, 'invalid_token']));
});

test('the audience is canonical, and each server has its own', async () => {
  const shouting = app.resource.replace('http://localhost', 'HTTP://LOCALHOST');
  const byCase = await app.signIn(clientId, { resource: `${shouting}/` });
  const ops = await app.signIn(clientId, { resource: `${app.resource}/ops` });
  const unnamed = await app.signIn(clientId, { resource: undefined });

  expect(jose.decodeJwt(byCase.access_token).aud).toBe(app.resource);
  expect(jose.decodeJwt(ops.access_token).aud).toBe(`${app.resource}/ops`);
  expect(jose.decodeJwt(unnamed.access_token).aud).toBe(app.resource);
  expect((await app.exchange(ops.access_token, `${app.resource}/ops`)).status).toBe(200);
  expect((await app.exchange(ops.access_token)).status).toBe(401);
});

test.each(['https://elsewhere.example/mcp', '/unknown', 'not a url', '#fragment', '?query=1'])(
  'the resource %j is refused with invalid_target',
  async resource => {
    const named = /^[/#?]/.test(resource) ? `${app.resource}${resource}` : resource;
    const { url } = await app.authorizeUrl(clientId, { resource: named });

    const end = await app.approve(url);

    expect(end.searchParams.get('error')).toBe('invalid_target');
    expect(end.searchParams.get('iss')).toBe(app.issuer);
  },
);

test('of a request for several resources, none is granted', async () => {
  const { url } = await app.authorizeUrl(clientId);

  const end = await app.approve(`${url}&resource=${encodeURIComponent(`${app.resource}/ops`)}`);

  expect(end.searchParams.get('code')).toBeNull();
});

test('a person grants less than was asked, and a refresh cannot widen it', async () => {
  const tokens = await app.signIn(clientId, {}, ['actions:read']);

  const widened = await app.refresh(clientId, tokens.refresh_token, { scope: allScopes.join(' ') });
  const refreshed = widened.status === 200 ? widened : await app.refresh(clientId, tokens.refresh_token);

  expect(tokens.scope).toBe('actions:read');
  expect(refreshed.body.scope ?? 'actions:read').toBe('actions:read');
  expect((await app.exchange(refreshed.body.access_token)).body.scopes).toEqual(['actions:read']);
});

test('without a scope, and with foreign ones only, the person chooses among all', async () => {
  const none = await app.signIn(clientId, { scope: undefined }, ['actions:read', 'actions:write']);
  const foreign = await app.signIn(clientId, { scope: 'openid profile offline_access' }, ['actions:read']);

  expect([none.scope, foreign.scope]).toEqual(['actions:read actions:write', 'actions:read']);
  expect(foreign).not.toHaveProperty('id_token');
});

test('nothing destructive is ticked unless the client asked for it', async () => {
  const ticked = async (scope: string | undefined) => {
    const browser = new Browser(app.url);
    const signInPage = await browser.open((await app.authorizeUrl(clientId, { scope })).url);
    const { text } = await browser.submit(signInPage, '/sign-in', [], 'value="guest"');
    const boxes = [...text.matchAll(/<input[^>]*type="checkbox"[^>]*>/g)].map(([box]) => box);
    return boxes.filter(box => / checked/.test(box)).map(box => /value="([^"]*)"/.exec(box)?.[1]);
  };

  expect(await ticked(undefined)).toEqual(['actions:read', 'actions:write']);
  expect(await ticked('actions:destructive')).toEqual(allScopes);
  expect(await ticked('actions:read')).toEqual(['actions:read']);
});

test.each([
  ['without a challenge', { code_challenge: undefined, code_challenge_method: undefined }],
  ['with the method plain', { code_challenge_method: 'plain' }],
  ['without a method', { code_challenge_method: undefined }],
  ['with an unknown method', { code_challenge_method: 'S512' }],
])('a request %s is refused', async (_name, params) => {
  const { url } = await app.authorizeUrl(clientId, params);

  const end = await app.approve(url);

  expect(end.searchParams.get('error')).toBe('invalid_request');
  expect(end.searchParams.get('code')).toBeNull();
});

async function getCode(): Promise<{ code: string; verifier: string }> {
  const { url, verifier } = await app.authorizeUrl(clientId);
  return { verifier, code: (await app.approve(url)).searchParams.get('code') as string };
}

test('a code that is misused is worth nothing afterwards, either', async () => {
  const other = await app.registerClient();
  const redirect_uri = publicClient.redirect_uris[0] as string;
  const grant = { grant_type: 'authorization_code', redirect_uri };

  const misuses: ((code: string, verifier: string) => Record<string, string>)[] = [
    code => ({ client_id: clientId, code, code_verifier: 'x'.repeat(43) }),
    code => ({ client_id: clientId, code }),
    (code, code_verifier) => ({ client_id: other, code, code_verifier }),
    (code, code_verifier) => ({
      client_id: clientId,
      code,
      code_verifier,
      redirect_uri: 'http://127.0.0.1:9999/other',
    }),
  ];
  const answers = [];
  for (const misuse of misuses) {
    const { code, verifier } = await getCode();
    answers.push(await app.post('/v1/token', { ...grant, ...misuse(code, verifier) }));
    answers.push(await app.post('/v1/token', { ...grant, client_id: clientId, code, code_verifier: verifier }));
  }
  const { code, verifier } = await getCode();
  const byNobody = await app.post('/v1/token', { ...grant, code, code_verifier: verifier });

  expect(answers.map(({ status, body }) => [status, body.error])).toEqual(answers.map(() => [400, 'invalid_grant']));
  expect([byNobody.status, byNobody.body.error]).toEqual([400, 'invalid_request']);
  expect(answers.every(({ headers }) => headers.get('cache-control') === 'no-store')).toBe(true);
});

test('a code that is redeemed again revokes what it gave', async () => {
  const { code, verifier } = await getCode();
  const redeem = () =>
    app.post('/v1/token', {
      grant_type: 'authorization_code',
      client_id: clientId,
      code,
      code_verifier: verifier,
      redirect_uri: publicClient.redirect_uris[0] as string,
    });

  const first = await redeem();
  const beforeReplay = await app.exchange(first.body.access_token);
  const replay = await redeem();

  expect([first.status, beforeReplay.status, replay.status]).toEqual([200, 200, 400]);
  expect((await app.exchange(first.body.access_token)).status).toBe(401);
  expect((await app.refresh(clientId, first.body.refresh_token)).body.error).toBe('invalid_grant');
});

test('of 50 parallel redemptions one succeeds, and what it got is revoked', async () => {
  const { code, verifier } = await getCode();

  const answers = await Promise.all(
    Array.from({ length: 50 }, () =>
      app.post('/v1/token', {
        grant_type: 'authorization_code',
        client_id: clientId,
        code,
        code_verifier: verifier,
        redirect_uri: publicClient.redirect_uris[0] as string,
      }),
    ),
  );

  const winners = answers.filter(({ status }) => status === 200);
  expect(winners).toHaveLength(1);
  expect(answers.filter(({ body }) => body.error === 'invalid_grant')).toHaveLength(49);
  for (const { body } of winners) {
    expect((await app.exchange(body.access_token)).status).toBe(401);
  }
});

test('refreshes in parallel all get the same successor', async () => {
  const { refresh_token } = await app.signIn(clientId);

  const answers = await Promise.all(Array.from({ length: 20 }, () => app.refresh(clientId, refresh_token)));

  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
  const next = await app.refresh(clientId, answers[0]?.body.refresh_token);
  expect(next.status).toBe(200);
  expect((await app.exchange(answers[7]?.body.access_token)).status).toBe(200);
});

test('a refresh token of another client is refused', async () => {
  const { refresh_token } = await app.signIn(clientId);
  const other = await app.registerClient();

  const byOther = await app.refresh(other, refresh_token);
  const byNobody = await app.post('/v1/token', { grant_type: 'refresh_token', refresh_token });

  expect([byOther.body.error, byNobody.body.error]).toEqual(['invalid_grant', 'invalid_request']);
  expect((await app.refresh(clientId, refresh_token)).status).toBe(200);
});

test('an access token can be revoked, and only by its client', async () => {
  const { access_token, refresh_token } = await app.signIn(clientId);
  const other = await app.registerClient();

  await app.post('/v1/revoke', { client_id: other, token: access_token });
  const stillGood = await app.exchange(access_token);
  const introspectedByOther = await app.post('/v1/introspect', { client_id: other, token: access_token });
  const revoked = await app.post('/v1/revoke', { client_id: clientId, token: access_token });

  expect([stillGood.status, revoked.status]).toEqual([200, 200]);
  expect(introspectedByOther.body).toEqual({ active: false });
  expect((await app.exchange(access_token)).status).toBe(401);
  expect((await app.post('/v1/introspect', { client_id: clientId, token: access_token })).body).toEqual({
    active: false,
  });
  expect((await app.refresh(clientId, refresh_token)).body.error).toBe('invalid_grant');
});

test.each([
  ['an unknown client', (params: URLSearchParams) => params.set('client_id', 'nobody')],
  ['a foreign redirect URI', (params: URLSearchParams) => params.set('redirect_uri', 'https://evil.example/cb')],
  ['another path', (params: URLSearchParams) => params.set('redirect_uri', 'http://127.0.0.1:9999/other')],
  ['a javascript URI', (params: URLSearchParams) => params.set('redirect_uri', 'javascript:alert(1)')],
  ['no redirect URI', (params: URLSearchParams) => params.delete('redirect_uri')],
  ['two redirect URIs', (params: URLSearchParams) => params.append('redirect_uri', 'https://evil.example/cb')],
])('%s ends at a page of the server, never elsewhere', async (_name, change) => {
  const { url } = await app.authorizeUrl(clientId);
  const target = new URL(url);
  change(target.searchParams);

  const page = await new Browser(app.url).open(target.href);

  expect(page.status).toBe(400);
  expect(new URL(page.url).origin).toBe(app.url);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
});

test('a loopback client may listen on any port', async () => {
  const tokens = await app.signIn(clientId, { redirect_uri: 'http://127.0.0.1:51234/callback' });

  expect(tokens.access_token).toBeTruthy();
});

test('consent is asked for each time, and prompt=none does not get around it', async () => {
  const browser = new Browser(app.url);
  const { url } = await app.authorizeUrl(clientId);
  await app.approve(url, { browser });

  const again = await browser.open((await app.authorizeUrl(clientId)).url);
  const silent = await browser.open((await app.authorizeUrl(clientId, { prompt: 'none' })).url);

  expect(again.text).toContain('/consent"');
  expect(new URL(silent.url).searchParams.get('error')).toMatch(/^(interaction|consent|login)_required$/);
});

test("another browser cannot go on with somebody's request", async () => {
  const browser = new Browser(app.url);
  const page = await browser.open((await app.authorizeUrl(clientId)).url);

  const elsewhere = await new Browser(app.url).open(page.url);

  expect(elsewhere.status).toBe(404);
});

test('what a request claims about hosts and protocols changes no URL', async () => {
  const forged = {
    'X-Forwarded-Host': 'evil.example',
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Prefix': '/evil',
    Forwarded: 'host=evil.example;proto=https',
  };
  const { url } = await app.authorizeUrl(clientId);

  const response = await fetch(url, { redirect: 'manual', headers: forged });
  const metadata = await (await fetch(`${app.issuer}/.well-known/openid-configuration`, { headers: forged })).text();

  expect(response.headers.get('location')).toMatch(/^\/api\/auth\/interaction\//);
  expect(response.headers.getSetCookie().join('\n')).not.toMatch(/evil|secure/i);
  expect(metadata).not.toContain('evil');
});

test.each([
  '/api/auth/.well-known/openid-configuration',
  '/api/auth/.well-known/oauth-authorization-server',
  '/.well-known/oauth-authorization-server',
  '/.well-known/oauth-authorization-server/api/auth',
  '/.well-known/openid-configuration',
  '/.well-known/openid-configuration/api/auth',
])('%s describes the server', async path => {
  const metadata = await answer(await fetch(`${app.url}${path}`));

  expect(metadata.status).toBe(200);
  expect(metadata.body).toMatchObject({
    issuer: app.issuer,
    registration_endpoint: `${app.issuer}/v1/register`,
    device_authorization_endpoint: `${app.issuer}/v1/device_authorization`,
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  });
  expect(metadata.body).not.toHaveProperty('client_id_metadata_document_supported');
});

test.each(['/v1/internal/jwks', '/me', '/v1/session/end', '/request', '/auth', '/token'])(
  "the library's own %s is not reachable",
  async path => {
    expect((await fetch(`${app.issuer}${path}`)).status).toBe(404);
  },
);
