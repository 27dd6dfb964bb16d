import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser } from './testing/Browser.js';
import { type AuthApp, insecure, publicClient, startAuthApp } from './testing/startAuthApp.js';

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
let app: AuthApp;
let clientId: string;

beforeAll(async () => {
  app = await startAuthApp();
  clientId = await app.registerClient();
});
afterAll(() => app?.stop());

function begin(params: Record<string, string> = {}) {
  return app.post('/v1/device_authorization', { client_id: clientId, ...params });
}

function poll(deviceCode: string, client = clientId) {
  return app.post('/v1/token', { grant_type: deviceGrant, client_id: client, device_code: deviceCode });
}

async function openConsent(userCode: string, browser = new Browser(app.url)) {
  let page = await browser.open(`${app.issuer}/device?user_code=${userCode}`);
  if (page.text.includes('/device/sign-in"')) {
    page = await browser.submit(page, '/device/sign-in', [], 'value="guest"');
  }
  return { browser, page: await browser.submit(page, '/device', [['user_code', userCode]]) };
}

async function decide(userCode: string, decision: 'approve' | 'deny', scopes = ['actions:read', 'actions:write']) {
  const { browser, page } = await openConsent(userCode);
  return browser.submit(page, '/device/consent', [
    ['decision', decision],
    ...scopes.map((scope): [string, string] => ['scope', scope]),
  ]);
}

test('an independent client library gets tokens after somebody approves elsewhere', async () => {
  const issuer = new URL(app.issuer);
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oidc', ...insecure }),
  );
  const client = { client_id: clientId };
  const device = await oauth.processDeviceAuthorizationResponse(
    server,
    client,
    await oauth.deviceAuthorizationRequest(
      server,
      client,
      oauth.None(),
      { scope: 'actions:read actions:write' },
      insecure,
    ),
  );
  const pending = await poll(device.device_code);
  const done = await decide(device.user_code, 'approve');
  const tokens = await oauth.processDeviceCodeResponse(
    server,
    client,
    await oauth.deviceCodeGrantRequest(server, client, oauth.None(), device.device_code, insecure),
  );

  expect(device).toMatchObject({
    verification_uri: `${app.issuer}/device`,
    verification_uri_complete: `${app.issuer}/device?user_code=${device.user_code}`,
    expires_in: 600,
  });
  expect(pending.body.error).toBe('authorization_pending');
  expect(done.text).toContain('Device connected');
  expect((await app.exchange(tokens.access_token)).body).toMatchObject({
    subject: 'user:development/guest',
    scopes: ['actions:read', 'actions:write'],
  });
  expect((await app.refresh(clientId, tokens.refresh_token as string)).status).toBe(200);
});

test('a code gives tokens once; used again, it revokes them', async () => {
  const { body } = await begin();
  await decide(body.user_code, 'approve');

  const first = await poll(body.device_code);
  const again = await poll(body.device_code);

  expect([first.status, again.status, again.body.error]).toEqual([200, 400, 'invalid_grant']);
  expect((await app.exchange(first.body.access_token)).status).toBe(401);
});

test('without a scope the device gets what the person ticks, with nothing destructive ticked at first', async () => {
  const { body } = await begin();
  const { page } = await openConsent(body.user_code);
  const boxes = [...page.text.matchAll(/<input[^>]*type="checkbox"[^>]*>/g)].map(([box]) => box);
  await decide(body.user_code, 'approve', ['actions:read']);

  const tokens = await poll(body.device_code);

  expect(boxes.map(box => / checked/.test(box))).toEqual([true, true, false]);
  expect(tokens.body.scope).toBe('actions:read');
});

test('a denied device is told so', async () => {
  const { body } = await begin();
  await decide(body.user_code, 'deny');

  expect((await poll(body.device_code)).body.error).toBe('access_denied');
});

test('a device for one server gets tokens for that one only', async () => {
  const { body } = await begin({ resource: `${app.resource}/ops` });
  await decide(body.user_code, 'approve');

  const tokens = await poll(body.device_code);

  expect((await app.exchange(tokens.body.access_token, `${app.resource}/ops`)).status).toBe(200);
  expect((await app.exchange(tokens.body.access_token)).status).toBe(401);
});

test('codes are found as people type them, and unknown or used ones are not', async () => {
  const { body } = await begin();
  const typed = ` ${body.user_code.toLowerCase().replace('-', ' ')} `;

  const { page } = await openConsent(typed);
  await decide(body.user_code, 'deny');
  const used = await openConsent(body.user_code);
  const unknown = await openConsent('BCDF-GHJK');

  expect(page.text).toContain(body.user_code);
  expect([used.page.status, unknown.page.status]).toEqual([404, 404]);
});

test('the device code of one client is nothing to another', async () => {
  const { body } = await begin();
  await decide(body.user_code, 'approve');
  const other = await app.registerClient();

  expect((await poll(body.device_code, other)).body.error).toBe('invalid_grant');
});

test('unknown clients and resources are refused', async () => {
  const unknownClient = await app.post('/v1/device_authorization', { client_id: 'nobody' });
  const unknownResource = await begin({ resource: 'https://elsewhere.example/mcp' });

  expect([unknownClient.body.error, unknownResource.body.error]).toEqual(['invalid_client', 'invalid_target']);
});

test('a client without redirect URIs can use it, and nothing else', async () => {
  const { body: terminal } = await app.register({
    client_name: 'Terminal',
    grant_types: [deviceGrant],
    token_endpoint_auth_method: 'none',
  });
  const { body } = await app.post('/v1/device_authorization', { client_id: terminal.client_id });
  await decide(body.user_code, 'approve');

  const tokens = await poll(body.device_code, terminal.client_id);
  const page = await new Browser(app.url).open((await app.authorizeUrl(terminal.client_id)).url);

  expect(tokens.status).toBe(200);
  expect(page.status).toBe(400);
  expect(publicClient.redirect_uris).toHaveLength(1);
});

test('while it is off there is neither an endpoint nor a word of it', async () => {
  const without = await startAuthApp({ auth: { deviceAuthorization: { enabled: false } } });
  try {
    const id = await without.registerClient();
    const metadata = await (await fetch(`${without.issuer}/.well-known/openid-configuration`)).text();

    expect((await without.post('/v1/device_authorization', { client_id: id })).status).toBe(404);
    expect(metadata).not.toContain('device');
  } finally {
    await without.stop();
  }
});
