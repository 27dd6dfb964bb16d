import * as jose from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from './testing/Browser.js';
import { type AuthApp, publicClient, startAuthApp } from './testing/startAuthApp.js';

let app: AuthApp;

beforeAll(async () => {
  app = await startAuthApp();
});
afterAll(() => app?.stop());

const codeAndRefresh = ['authorization_code', 'refresh_token'];

/** What the clients of today send, as their sources and bug reports have it. */
const bodies: [string, Record<string, unknown>, string][] = [
  [
    'Cursor',
    {
      client_name: 'Cursor',
      redirect_uris: [
        'cursor://anysphere.cursor-mcp/oauth/callback',
        'https://www.cursor.com/agents/mcp/oauth/callback',
        'http://localhost:8787/callback',
      ],
      application_type: 'web',
      grant_types: codeAndRefresh,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    'cursor://anysphere.cursor-mcp/oauth/callback',
  ],
  [
    'VS Code',
    {
      client_name: 'Visual Studio Code',
      client_uri: 'https://code.visualstudio.com',
      application_type: 'native',
      grant_types: [...codeAndRefresh, 'urn:ietf:params:oauth:grant-type:device_code'],
      response_types: ['code'],
      redirect_uris: [
        'https://insiders.vscode.dev/redirect',
        'https://vscode.dev/redirect',
        'http://127.0.0.1/',
        'http://127.0.0.1:33418/',
      ],
      scope: 'openid profile read:everything',
      token_endpoint_auth_method: 'none',
    },
    'http://127.0.0.1:33418/',
  ],
  [
    'Claude Code',
    {
      client_name: 'Claude Code (callboard)',
      application_type: 'native',
      redirect_uris: ['http://localhost:3118/callback'],
      grant_types: codeAndRefresh,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      scope: 'actions:read',
    },
    'http://localhost:3118/callback',
  ],
  [
    'claude.ai',
    {
      client_name: 'Claude',
      client_uri: 'https://claude.ai',
      redirect_uris: ['https://claude.ai/api/mcp/auth_callback'],
      grant_types: codeAndRefresh,
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_post',
      scope: 'claudeai',
    },
    'https://claude.ai/api/mcp/auth_callback',
  ],
  [
    'ChatGPT',
    {
      client_name: 'ChatGPT',
      redirect_uris: [
        'https://chatgpt.com/connector/oauth/OUbdUMlL15Ct',
        'https://chatgpt.com/connector_platform_oauth_redirect',
      ],
      grant_types: codeAndRefresh,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    'https://chatgpt.com/connector/oauth/OUbdUMlL15Ct',
  ],
  [
    'Codex',
    {
      client_name: 'Codex',
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1:37819/callback/3f2a'],
      grant_types: codeAndRefresh,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    'http://127.0.0.1:37819/callback/3f2a',
  ],
  [
    'OpenCode',
    {
      client_name: 'OpenCode',
      client_uri: 'https://opencode.ai',
      redirect_uris: ['http://127.0.0.1:19876/mcp/oauth/callback'],
      grant_types: codeAndRefresh,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    'http://127.0.0.1:19876/mcp/oauth/callback',
  ],
  ['a client that says nothing but where', { redirect_uris: ['http://localhost:1234/cb'] }, 'http://localhost:1234/cb'],
];

describe('what real clients register is accepted, and they sign in', () => {
  test.each(bodies)('%s', async (_name, body, redirectUri) => {
    const { status, body: registered, headers } = await app.register(body);
    const { url, verifier } = await app.authorizeUrl(registered.client_id, { redirect_uri: redirectUri });
    const end = await approveAnyway(url);
    const tokens = await app.post(
      '/v1/token',
      {
        grant_type: 'authorization_code',
        client_id: registered.client_id,
        ...(registered.client_secret && { client_secret: registered.client_secret }),
        code: end.searchParams.get('code') as string,
        code_verifier: verifier,
        redirect_uri: redirectUri,
      },
      {},
    );

    expect(status).toBe(201);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(registered).toMatchObject({ redirect_uris: body.redirect_uris, client_id_issued_at: expect.any(Number) });
    expect(registered.grant_types).toEqual(expect.arrayContaining(codeAndRefresh));
    expect(registered).not.toHaveProperty('registration_access_token');
    expect('client_secret' in registered).toBe(registered.token_endpoint_auth_method !== 'none');
    if (registered.token_endpoint_auth_method !== 'client_secret_basic') {
      expect(tokens.status).toBe(200);
      expect(tokens.body.refresh_token).toBeTruthy();
    }
  });
});

/** Where a custom scheme is opened by a page, the address is in it. */
async function approveAnyway(url: string): Promise<URL> {
  const browser = new Browser(app.url);
  const signInPage = await browser.open(url);
  const consent = await browser.submit(signInPage, '/sign-in', [], 'value="guest"');
  const end = await browser.submit(consent, '/consent', [
    ['decision', 'approve'],
    ['scope', 'actions:read'],
  ]);
  const link = /href="([a-z]+:\/\/[^"]*code=[^"]*)"/.exec(end.text)?.[1];
  return new URL(link?.replaceAll('&amp;', '&') ?? end.url);
}

test('a secret is checked, and is not in the database', async () => {
  const { body: client } = await app.register({ ...publicClient, token_endpoint_auth_method: 'client_secret_basic' });
  const { url, verifier } = await app.authorizeUrl(client.client_id);
  const code = (await app.approve(url)).searchParams.get('code') as string;
  const redeem = (secret: string) =>
    app.post(
      '/v1/token',
      {
        grant_type: 'authorization_code',
        code,
        code_verifier: verifier,
        redirect_uri: publicClient.redirect_uris[0] as string,
      },
      { Authorization: `Basic ${Buffer.from(`${client.client_id}:${secret}`).toString('base64')}` },
    );

  expect((await redeem('wrong')).body.error).toBe('invalid_client');
  expect((await redeem(`${client.client_secret}x`)).status).toBe(401);
  expect((await redeem(client.client_secret)).status).toBe(200);
});

test('a client can authenticate by assertions, each for this server, short-lived and used once', async () => {
  const { privateKey, publicKey } = await jose.generateKeyPair('ES256');
  const { body: client } = await app.register({
    ...publicClient,
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [{ ...(await jose.exportJWK(publicKey)), kid: 'k1', use: 'sig', alg: 'ES256' }] },
  });
  const assert = (changes: jose.JWTPayload = {}) => {
    const now = Math.floor(Date.now() / 1000);
    const { client_id: id } = client;
    const jti = crypto.randomUUID();
    return new jose.SignJWT({ iss: id, sub: id, aud: app.issuer, iat: now, exp: now + 60, jti, ...changes })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .sign(privateKey);
  };
  const send = (client_assertion: string) =>
    app.post('/v1/introspect', {
      token: 'unknown',
      client_assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    });
  const good = await assert();
  const inTenMinutes = Math.floor(Date.now() / 1000) + 600;

  expect((await send(good)).status).toBe(200);
  expect((await send(good)).body.error).toBe('invalid_client');
  const once = await assert();
  const parallel = await Promise.all(Array.from({ length: 10 }, () => send(once)));
  expect(parallel.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(parallel.filter(({ status }) => status === 401)).toHaveLength(9);
  expect((await send(await assert({ aud: `${app.issuer}/v1/token` }))).status).toBe(200);
  expect((await send(await assert({ aud: 'https://elsewhere.example' }))).body.error).toBe('invalid_client');
  expect((await send(await assert({ exp: inTenMinutes }))).body.error).toBe('invalid_client');
  expect((await send(await assert({ jti: undefined }))).body.error).toBe('invalid_client');
});

describe('what must not get in is refused', () => {
  test.each<[string, Record<string, unknown>, string]>([
    ['a foreign website', { redirect_uris: ['https://evil.example/cb'] }, 'invalid_redirect_uri'],
    [
      'a look-alike host',
      { redirect_uris: ['https://claude.ai.evil.example/api/mcp/auth_callback'] },
      'invalid_redirect_uri',
    ],
    [
      'one bad URI among good ones',
      { redirect_uris: ['http://localhost:1/cb', 'https://evil.example/cb'] },
      'invalid_redirect_uri',
    ],
    ['a script', { redirect_uris: ['javascript:alert(1)'] }, 'invalid_redirect_uri'],
    ['a script in other letters', { redirect_uris: ['JaVaScRiPt://x/%0aalert(1)'] }, 'invalid_redirect_uri'],
    ['a data URI', { redirect_uris: ['data:text/html,x'] }, 'invalid_redirect_uri'],
    ['userinfo', { redirect_uris: ['cursor://a:b@anysphere.cursor-mcp/cb'] }, 'invalid_redirect_uri'],
    ['a fragment', { redirect_uris: ['http://localhost:1/cb#x'] }, 'invalid_redirect_uri'],
    ['a line break', { redirect_uris: ['cursor://anysphere.cursor-mcp/cb\r\nX: y'] }, 'invalid_redirect_uri'],
    [
      'too many URIs',
      { redirect_uris: Array.from({ length: 1000 }, (_, port) => `http://localhost:${port}/`) },
      'invalid_redirect_uri',
    ],
    ['URIs that are no strings', { redirect_uris: [{ toString: 'x' }] }, 'invalid_redirect_uri'],
    ['URIs that are no list', { redirect_uris: 'http://localhost:1/cb' }, 'invalid_redirect_uri'],
    ['a name that is no string', { ...publicClient, client_name: { html: '<b>' } }, 'invalid_client_metadata'],
    ['a huge name', { ...publicClient, client_name: 'x'.repeat(10_000) }, 'invalid_client_metadata'],
    [
      'an unknown way to authenticate',
      { ...publicClient, token_endpoint_auth_method: 'tls_client_auth' },
      'invalid_client_metadata',
    ],
    [
      'a shared secret for assertions',
      { ...publicClient, token_endpoint_auth_method: 'client_secret_jwt' },
      'invalid_client_metadata',
    ],
    ['grant types that are no list', { ...publicClient, grant_types: 'authorization_code' }, 'invalid_client_metadata'],
  ])('%s', async (_name, body, error) => {
    const { status, body: answered } = await app.register(body);

    expect([status, answered.error]).toEqual([400, error]);
  });

  test('the code flow for a client without a place to be redirected to', async () => {
    const { status, body } = await app.register({ ...publicClient, redirect_uris: [] });

    expect(status).toBe(201);
    expect(body.response_types).toEqual([]);
    expect(body.grant_types).not.toContain('authorization_code');
  });

  test('a client that chooses its own id or secret', async () => {
    const { status, body } = await app.register({ ...publicClient, client_id: 'backstage', client_secret: 'mine' });

    expect(status).toBe(201);
    expect(body.client_id).not.toBe('backstage');
    expect(body).not.toHaveProperty('client_secret');
  });

  test('what is no JSON, or too large', async () => {
    const send = (body: string, type = 'application/json') =>
      fetch(`${app.issuer}/v1/register`, { method: 'POST', headers: { 'Content-Type': type }, body });

    const statuses = await Promise.all([
      send('{'),
      send('[]'),
      send('"x"'),
      send('a=b', 'application/x-www-form-urlencoded'),
      send(JSON.stringify({ ...publicClient, extra: 'x'.repeat(100_000) })),
    ]);

    expect(statuses.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400]);
  });
});

describe('a flood', () => {
  let limited: AuthApp | undefined;
  afterAll(() => limited?.stop());

  test('is bounded per address, and clients in use stay', async () => {
    limited = await startAuthApp({ auth: { registration: { perAddressPerHour: 60, maxClients: 10 } } });
    const used = await limited.registerClient();
    await limited.signIn(used);

    const answers = [];
    for (let attempt = 0; attempt < 100; attempt += 1) {
      answers.push(await limited.register());
    }
    const accepted = answers.filter(({ status }) => status === 201);
    const refused = answers.filter(({ status }) => status === 429);

    expect(accepted).toHaveLength(59);
    expect(refused).toHaveLength(41);
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(3_000);
    // The newest are kept, the oldest unused ones made room.
    expect((await limited.signIn(used)).access_token).toBeTruthy();
    expect((await limited.signIn(accepted.at(-1)?.body.client_id)).access_token).toBeTruthy();
    const gone = await limited.approve((await limited.authorizeUrl(accepted[0]?.body.client_id)).url);
    expect(gone.searchParams.get('code')).toBeNull();
  });
});
