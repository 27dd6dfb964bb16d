import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describeInChromium, openChromium } from '@callboard/test-utils';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { hashPassword } from '../signIn/passwordHash.js';
import { type AuthApp, publicClient, startAuthApp } from '../testing/startAuthApp.js';

describeInChromium('the whole flow in Chromium', wholeFlowSuite);

function wholeFlowSuite() {
  const password = 'break a leg';
  let app: AuthApp;
  let application: Server;
  let redirectUri: string;
  let clientId: string;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    const passwordHash = await hashPassword(password);
    const localUsers = ['ada', 'grace', 'mary'].map(name => ({ name, passwordHash }));
    app = await startAuthApp({ auth: { localUsers } });
    // The application's own little server, which waits for the browser to come back.
    application = createServer((_req, res) => res.end('<title>Back in the application</title>'));
    await new Promise<void>(resolve => application.listen(0, '127.0.0.1', resolve));
    redirectUri = `http://127.0.0.1:${(application.address() as AddressInfo).port}/callback`;
    clientId = await app.registerClient({
      ...publicClient,
      redirect_uris: [redirectUri, 'cursor://anysphere.cursor-retrieval/oauth/callback'],
    });
    browser = await openChromium();
  });

  afterAll(async () => {
    await browser?.close();
    application?.closeAllConnections();
    application?.close();
    await app?.stop();
  });

  beforeEach(async () => {
    context = await browser.newContext();
    page = await context.newPage();
  });

  afterEach(() => context.close());

  const button = (name: string) => page.getByRole('button', { name, exact: true });

  async function signIn(name: string): Promise<void> {
    await page.getByLabel('User name').fill(name);
    await page.getByLabel('Password').fill(password);
    await button('Sign in').click();
  }

  /** Where the application is told how it went. */
  async function backInApplication(): Promise<URLSearchParams> {
    await page.waitForURL(url => url.href.startsWith(redirectUri));
    return new URL(page.url()).searchParams;
  }

  const redeem = (code: string | null, verifier: string, uri = redirectUri) =>
    app.post('/v1/token', {
      grant_type: 'authorization_code',
      client_id: clientId,
      code: code ?? '',
      redirect_uri: uri,
      code_verifier: verifier,
    });

  test('a person signs in and approves, and the application gets a token of theirs', async () => {
    const { url, verifier } = await app.authorizeUrl(clientId, { redirect_uri: redirectUri });
    await page.goto(url);
    await signIn('ada');

    await button('Approve').click();
    const { body } = await redeem((await backInApplication()).get('code'), verifier);

    const exchanged = await app.exchange(body.access_token);
    expect(exchanged.body).toMatchObject({ subject: 'user:default/ada', clientName: 'Test Client' });
  });

  test('without a scope in the request, destroying is offered and not ticked; what is left out is not granted', async () => {
    const { url, verifier } = await app.authorizeUrl(clientId, { redirect_uri: redirectUri, scope: undefined });
    await page.goto(url);
    await signIn('ada');
    await button('Approve').waitFor();
    const ticked = await Promise.all(
      ['Look things up', 'Make changes', 'Delete and overwrite'].map(name => page.getByLabel(name).isChecked()),
    );

    await page.getByLabel('Make changes').uncheck();
    await button('Approve').click();
    const { body } = await redeem((await backInApplication()).get('code'), verifier);

    expect(ticked).toEqual([true, true, false]);
    expect(body.scope).toBe('actions:read');
  });

  test('a person who denies sends the application back without a code', async () => {
    const { url } = await app.authorizeUrl(clientId, { redirect_uri: redirectUri });
    await page.goto(url);
    await signIn('ada');

    await button('Deny').click();

    expect(Object.fromEntries(await backInApplication())).toMatchObject({ error: 'access_denied', iss: app.issuer });
  });

  test('after "Not you?" the token belongs to the one who approved', async () => {
    const { url, verifier } = await app.authorizeUrl(clientId, { redirect_uri: redirectUri });
    await page.goto(url);
    await signIn('ada');

    await button('Not you?').click();
    await signIn('grace');
    await button('Approve').click();
    const { body } = await redeem((await backInApplication()).get('code'), verifier);

    expect((await app.exchange(body.access_token)).body.subject).toBe('user:default/grace');
  });

  test('somebody who signed out is asked to sign in again, though the engine remembers them', async () => {
    const { url } = await app.authorizeUrl(clientId, { redirect_uri: redirectUri });
    await page.goto(url);
    await signIn('ada');
    await button('Approve').click();
    await backInApplication();
    await page.goto(`${app.issuer}/connections`);
    await button('Sign out').click();

    await page.goto((await app.authorizeUrl(clientId, { redirect_uri: redirectUri })).url);

    expect(await page.getByLabel('Password').isVisible()).toBe(true);
  });

  test('two requests in two tabs do not get in each other’s way', async () => {
    const first = await app.authorizeUrl(clientId, { redirect_uri: redirectUri, state: 'first' });
    const second = await app.authorizeUrl(clientId, { redirect_uri: redirectUri, state: 'second' });
    await page.goto(first.url);
    await signIn('ada');
    await button('Approve').waitFor();
    const otherTab = await context.newPage();
    await otherTab.goto(second.url);

    await button('Approve').click();
    const answer = await backInApplication();
    await otherTab.getByRole('button', { name: 'Deny' }).click();
    await otherTab.waitForURL(url => url.href.startsWith(redirectUri));

    expect(answer.get('state')).toBe('first');
    expect(otherTab.url()).toContain('state=second');
    expect((await redeem(answer.get('code'), first.verifier)).status).toBe(200);
  });

  test('an application with links of its own gets its code through the page that opens it', async () => {
    const cursor = 'cursor://anysphere.cursor-retrieval/oauth/callback';
    const { url, verifier } = await app.authorizeUrl(clientId, { redirect_uri: cursor });
    await page.goto(url);
    await signIn('ada');

    await button('Approve').click();
    const link = page.getByRole('link', { name: 'Open the application' });
    const location = new URL((await link.getAttribute('href')) ?? '');

    expect(location.href).toContain(`${cursor}?`);
    expect((await redeem(location.searchParams.get('code'), verifier, cursor)).status).toBe(200);
  });

  test('access that a person removes ends at once', async () => {
    const { url, verifier } = await app.authorizeUrl(clientId, { redirect_uri: redirectUri });
    await page.goto(url);
    await signIn('mary');
    await button('Approve').click();
    const { body } = await redeem((await backInApplication()).get('code'), verifier);
    await page.goto(`${app.issuer}/connections`);

    await button('Remove access of “Test Client”').click();
    await page.getByText('No application has access').waitFor();

    expect((await app.exchange(body.access_token)).status).toBe(401);
    expect((await app.refresh(clientId, body.refresh_token)).body.error).toBe('invalid_grant');
  });

  test('a person connects a device by the link that it shows', async () => {
    const device = await app.post('/v1/device_authorization', { client_id: clientId, scope: 'actions:read' });
    const poll = () =>
      app.post('/v1/token', {
        grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
        client_id: clientId,
        device_code: device.body.device_code,
      });
    const before = await poll();
    await page.goto(device.body.verification_uri_complete);
    await signIn('ada');

    await button('Continue').click();
    const shown = await page.locator('.usercode').innerText();
    await button('Approve').click();
    await page.getByRole('heading', { name: 'Device connected' }).waitFor();

    expect(shown).toBe(device.body.user_code);
    expect(before.body.error).toBe('authorization_pending');
    await expect.poll(async () => (await poll()).status, { interval: 1_000, timeout: 20_000 }).toBe(200);
  });

  test('a request that cannot be answered ends on a page of ours, not at the address that it names', async () => {
    const { url } = await app.authorizeUrl(clientId, { redirect_uri: 'https://evil.example/callback' });

    const answer = await page.goto(url);

    expect(answer?.status()).toBe(400);
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('This request for access cannot go on');
    expect(page.url()).toContain(app.issuer);
  });
}
