import { coreServices, createBackendPlugin } from '@backstage/backend-plugin-api';
import { startTestApp, type TestApp } from '@callboard/test-utils';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAuthPlugin } from './plugin.js';
import { Browser } from './testing/Browser.js';
import { baseAuthConfig, probePlugin } from './testing/startAuthApp.js';

interface Answered {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the test looks into answers of every shape.
  readonly body: any;
}
type Ask = (body: unknown) => Promise<Answered>;

const asks: Record<string, Ask> = {};
let app: TestApp;
let now = Date.now();

/** Asks who is signed in, as itself. */
const askingPlugin = (pluginId: string) =>
  createBackendPlugin({
    pluginId,
    register(env) {
      env.registerInit({
        deps: { auth: coreServices.auth, discovery: coreServices.discovery },
        async init({ auth, discovery }) {
          asks[pluginId] = async body => {
            const onBehalfOf = await auth.getOwnServiceCredentials();
            const { token } = await auth.getPluginRequestToken({ onBehalfOf, targetPluginId: 'auth' });
            return ask(`${await discovery.getBaseUrl('auth')}/v1/browser-session`, token, body);
          };
        },
      });
    },
  });

async function ask(url: string, token: string | undefined, body: unknown): Promise<Answered> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

beforeAll(async () => {
  app = await startTestApp({
    features: [createAuthPlugin({ now: () => now }), probePlugin, askingPlugin('approvals'), askingPlugin('stranger')],
    config: { auth: baseAuthConfig },
  });
});

afterAll(() => app.stop());

async function signIn(): Promise<string> {
  const browser = new Browser(app.url);
  const page = await browser.open(`${app.url}/api/auth/sign-in?return_to=/api/approvals/v1/pages/x`);
  const end = await browser.submit(page, '/sign-in', [], 'value="guest"');
  expect(end.url).toBe(`${app.url}/api/approvals/v1/pages/x`);
  return browser.cookie('callboard-browser');
}

test('tells the approvals plugin who is signed in, with a token that is good for a few minutes', async () => {
  const session = await signIn();

  const { status, body } = await (asks.approvals as Ask)({ session });

  expect(status).toBe(200);
  expect(body.userEntityRef).toBe('user:development/guest');
  expect(Date.parse(body.expiresAt) - now).toBeLessThanOrEqual(300_000);
  const who = await fetch(`${app.url}/api/probe/whoami`, { headers: { Authorization: `Bearer ${body.token}` } });
  expect(await who.json()).toMatchObject({
    principal: { type: 'user', userEntityRef: 'user:development/guest' },
  });
});

test('somebody who is signed in already is sent on at once', async () => {
  const browser = new Browser(app.url);
  const page = await browser.open(`${app.url}/api/auth/connections`);
  await browser.submit(page, '/sign-in', [], 'value="guest"');

  const end = await browser.open(`${app.url}/api/auth/sign-in?return_to=/api/approvals/v1/pages`);
  const elsewhere = await browser.open(`${app.url}/api/auth/sign-in?return_to=https://evil.example/api/approvals/`);

  expect(end.url).toBe(`${app.url}/api/approvals/v1/pages`);
  expect(elsewhere.url).toBe(`${app.url}/api/auth/connections`);
});

test.each([['A'.repeat(43)], ['none'], ['callboard-browser']])('nobody is signed in with %j', async session => {
  const { status, body } = await (asks.approvals as Ask)({ session });

  expect([status, body]).toEqual([401, { error: 'not_signed_in' }]);
});

test('a session that has ended is no session', async () => {
  const session = await signIn();
  const before = now;
  now += 12 * 3_600_000;

  expect((await (asks.approvals as Ask)({ session })).status).toBe(401);
  now = before;
});

test('answers nobody else', async () => {
  const session = await signIn();
  const url = `${app.url}/api/auth/v1/browser-session`;
  const { body } = await (asks.approvals as Ask)({ session });

  const stranger = await (asks.stranger as Ask)({ session });

  expect(stranger.status).toBe(403);
  expect(stranger.body.error.message).toContain('plugin:stranger');
  expect((await ask(url, undefined, { session })).body.token).toBeUndefined();
  expect((await ask(url, app.token, { session })).status).toBe(403);
  expect((await ask(url, body.token, { session })).status).toBe(403);
});

test('tells everybody that people can sign in here', async () => {
  const response = await fetch(`${app.url}/api/auth/v1/browser-session`);

  expect([response.status, await response.json()]).toEqual([200, { signIn: true }]);
});

test.each([[{}], [{ session: '' }], [{ session: 1 }], [{ session: 'x', more: 1 }]])('refuses %j', async body => {
  expect((await (asks.approvals as Ask)(body)).status).toBe(400);
});
