import { renderErrorPage } from '@callboard/pages';
import { describeInChromium, openChromium } from '@callboard/test-utils';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { renderConnectionsPage } from './connectionsPage.js';
import { renderConsentPage } from './consentPage.js';
import { renderDeviceCodePage } from './devicePages.js';
import { renderReturnPage } from './returnPage.js';
import { renderSignInPage } from './signInPage.js';
import { hostileTexts } from './testing/hostileTexts.js';
import {
  bodyText,
  describeFocus,
  describeLandmarks,
  describeTree,
  frame,
  scrollWidth,
  styleOf,
  submitForm,
} from './testing/inPage.js';
import { type PagesServer, password, request, startPagesServer } from './testing/startPagesServer.js';

describeInChromium('pages in Chromium', browserSuite);

function browserSuite() {
  let browser: Browser;
  let server: PagesServer;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    browser = await openChromium();
  });

  afterAll(() => browser.close());

  beforeEach(async () => {
    server = await startPagesServer();
    context = await browser.newContext();
    page = await context.newPage();
  });

  afterEach(async () => {
    await context.close();
    await server.close();
  });

  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const heading = () => page.getByRole('heading', { level: 1 }).innerText();

  async function signIn(): Promise<void> {
    await page.getByLabel('User name').fill('ada');
    await page.getByLabel('Password').fill(password);
    await button('Sign in').click();
  }

  async function reachConsent(): Promise<void> {
    await page.goto(`${server.origin}/start`);
    await signIn();
    await button('Approve').waitFor();
  }

  /** The program on this computer that the answer goes to. */
  function askForLoopback(): void {
    server.ask({ client: { redirectUri: `${server.origin}/callback`, isLoopback: true } });
  }

  test('a person signs in, approves, and is back in the application', async () => {
    askForLoopback();
    await reachConsent();

    await button('Approve').click();
    await page.waitForURL('**/callback**');

    expect(page.url()).toBe(`${server.origin}/callback?code=abc&state=xyz`);
    expect(server.interactions.answers()).toEqual([{ decision: 'approve', scopes: ['actions:read', 'actions:write'] }]);
  });

  test('the same works on another host than that of the pages', async () => {
    const other = await startPagesServer();
    server.ask({ client: { redirectUri: `http://127.0.0.1:${other.port}/callback`, isLoopback: true } });
    await reachConsent();

    await button('Approve').click();
    await page.waitForURL(`http://127.0.0.1:${other.port}/callback**`);

    expect(await page.title()).toBe('Back in the application');
    await other.close();
  });

  test('a person who denies is back in the application, too', async () => {
    askForLoopback();
    await reachConsent();

    await button('Deny').click();
    await page.waitForURL('**/callback**');

    expect(page.url()).toContain('error=access_denied');
    expect(server.interactions.answers()).toEqual([{ decision: 'deny', scopes: [] }]);
  });

  test('a person grants less, and sees at once what an unticked box takes along', async () => {
    askForLoopback();
    await reachConsent();
    const broader = page.getByText('Delete and overwrite');
    const lineThrough = () => broader.locator('..').evaluate(styleOf, 'textDecorationLine');

    await page.getByLabel('Delete and overwrite').check();
    const before = await lineThrough();
    await page.getByLabel('Make changes').uncheck();
    const after = await lineThrough();
    await button('Approve').click();
    await page.waitForURL('**/callback**');

    expect([before, after]).toEqual(['none', 'line-through']);
    expect(server.interactions.answers()).toEqual([{ decision: 'approve', scopes: ['actions:read'] }]);
  });

  test('a guest goes on with one click', async () => {
    await page.goto(`${server.origin}/start`);

    await button('Continue as guest').click();

    expect(await page.getByText('user:development/guest').isVisible()).toBe(true);
    expect(await button('Approve').isVisible()).toBe(true);
  });

  test('a wrong password is said next to the fields and read out', async () => {
    await page.goto(`${server.origin}/start`);
    await page.getByLabel('User name').fill('ada');
    await page.getByLabel('Password').fill('wrong');

    await button('Sign in').click();

    expect(await page.getByRole('alert').innerText()).toBe('Wrong user name or password.');
    expect(await page.getByLabel('Password').getAttribute('aria-describedby')).toBe('problem');
  });

  test('somebody else can sign in at the consent page', async () => {
    await reachConsent();

    await button('Not you?').click();
    await page.getByLabel('User name').fill('grace');
    await page.getByLabel('Password').fill(password);
    await button('Sign in').click();
    await button('Approve').waitFor();

    expect(await page.getByText('user:default/grace').isVisible()).toBe(true);
  });

  test('an application with links of its own is opened by a page that stays', async () => {
    server.ask({ client: { name: 'Cursor', redirectUri: 'cursor://anysphere.cursor-retrieval/callback' } });
    await reachConsent();
    const session = await context.newCDPSession(page);
    await session.send('Page.enable');
    const navigations: string[] = [];
    session.on('Page.frameScheduledNavigation', ({ url }) => navigations.push(url));
    session.on('Page.frameRequestedNavigation', ({ url }) => navigations.push(url));

    await button('Approve').click();
    await page.getByRole('link', { name: 'Open the application' }).waitFor();

    const location = 'cursor://anysphere.cursor-retrieval/callback?code=abc&state=xyz';
    expect(await heading()).toBe('Return to your application');
    expect(await page.getByRole('link', { name: 'Open the application' }).getAttribute('href')).toBe(location);
    await expect.poll(() => navigations).toContain(location);
  });

  test('a person sees connected applications, removes one, and signs out', async () => {
    const grant = { clientId: 'c', redirectHosts: ['a.example'], resource: 'http://x/v1', scopes: ['actions:read'] };
    const createdAt = '2026-12-20T09:15:00.000Z';
    server.grants.push(
      { ...grant, id: 'one', clientName: 'Cursor', createdAt },
      { ...grant, id: 'two', clientName: 'Nightly report', createdAt },
    );
    await page.goto(`${server.baseUrl}/connections`);
    await signIn();

    await button('Remove access of “Cursor”').click();
    const notice = await page.getByRole('status').innerText();
    const left = await page.getByRole('heading', { level: 2 }).allInnerTexts();
    await button('Sign out').click();

    expect(notice).toBe('Access was removed.');
    expect(left).toEqual(['“Nightly report”']);
    expect(server.grants.map(({ id }) => id)).toEqual(['two']);
    expect(await heading()).toBe('You are signed out');
  });

  test('a person connects a device', async () => {
    const client = { ...request.client, name: 'Nightly report', redirectUri: '' };
    server.devices.set('BCDF-GHJK', { ...request, client, userCode: 'BCDF-GHJK', device: {} });
    await page.goto(`${server.baseUrl}/device?user_code=BCDF-GHJK`);
    await signIn();

    await button('Continue').click();
    await button('Approve').click();

    expect(await heading()).toBe('Device connected');
    expect(server.deviceAnswers).toHaveLength(1);
  });

  test('the page of another site can neither frame the consent page nor send its form', async () => {
    await reachConsent();
    const path = new URL(page.url()).pathname;
    const csrf = await page.locator('form[action$="/consent"] input[name=csrf]').inputValue();
    const evil = await startPagesServer();
    // Framed from the same host, the page would get its cookies.
    await page.goto(`${server.origin}/callback`);
    await page.evaluate(frame, `${server.origin}${path}`);
    const framedText = await page.frames()[1]?.evaluate(bodyText);
    await page.goto(`http://127.0.0.1:${evil.port}/callback`);
    const fields = { csrf, decision: 'approve', scope: 'actions:read' };
    await page.evaluate(submitForm, { action: `${server.origin}${path}/consent`, fields });
    await page.waitForURL('**/consent');

    expect(framedText).not.toContain('Approve');
    expect(await page.title()).not.toContain('Allow');
    expect(server.interactions.answers()).toEqual([]);
    await evil.close();
  });

  test('everything works by keyboard, in the order in which it stands', async () => {
    await reachConsent();
    const reached: string[] = [];

    for (let step = 0; step < 7; step++) {
      await page.keyboard.press('Tab');
      reached.push(await page.evaluate(describeFocus));
    }

    const names = [
      'Not you?',
      'Look things up',
      'Make changes',
      'Delete and overwrite',
      'Connected applications',
      'Approve',
      'Deny',
    ];
    expect(reached).toEqual(names.map(name => `${name} solid 3px`));
  });

  test('every page has one main part, one first heading, a language, a title, and a name for each control', async () => {
    for (const markup of [...samplePages('A name'), ...samplePages('')]) {
      await page.setContent(markup);
      const found = await page.evaluate(describeLandmarks);

      expect(found).toEqual({
        mains: 1,
        headings: 1,
        language: 'en',
        hasTitle: true,
        namelessInputs: 0,
        hasUniqueIds: true,
      });
    }
  });

  test.each([360, 320])('nothing sticks out at %i pixels, whatever applications call themselves', async width => {
    await page.setViewportSize({ width, height: 700 });

    for (const markup of [...samplePages('W'.repeat(500)), ...samplePages('A rather long name of an application')]) {
      await page.setContent(markup);

      expect(await page.evaluate(scrollWidth)).toBeLessThanOrEqual(width);
    }
  });

  test('style applies under the policy that is sent, and no page breaks it', async () => {
    const violations: string[] = [];
    page.on(
      'console',
      message => message.text().includes('Content Security Policy') && violations.push(message.text()),
    );
    await reachConsent();

    const background = await button('Approve').evaluate(styleOf, 'backgroundColor');

    expect(background).toBe('rgb(123, 30, 46)');
    expect(violations).toEqual([]);
  });

  test(`none of ${hostileTexts.length} hostile texts adds an element or runs, wherever it is put`, {
    timeout: 120_000,
  }, async () => {
    expect(hostileTexts.length).toBeGreaterThanOrEqual(60);
    const fired: string[] = [];
    await page.exposeFunction('fired', () => fired.push('a script ran'));
    page.on('request', ({ url }) => url().startsWith('http') && fired.push(url()));
    page.on('dialog', async dialog => {
      fired.push(dialog.message());
      await dialog.dismiss();
    });
    const shapes: string[] = [];
    for (const markup of samplePages('harmless')) {
      shapes.push(await shapeOf(markup));
    }

    for (const text of hostileTexts) {
      for (const [index, markup] of samplePages(text).entries()) {
        expect(await shapeOf(markup), `${text} on page ${index}`).toBe(shapes[index]);
      }
    }
    expect(fired).toEqual([]);
  });

  /** The tree of elements with the names of their attributes; scripts may run, since no policy comes along. */
  async function shapeOf(markup: string): Promise<string> {
    // Otherwise the page would leave for the application.
    await page.setContent(markup.replace('http-equiv="refresh"', 'http-equiv="x-refresh"'));
    return page.evaluate(describeTree);
  }
}

/** Every page with a text of strangers wherever one can stand. */
function samplePages(text: string): string[] {
  const form = { action: '/x', hidden: { csrf: 'x', state: text } };
  const queried = `?state=${encodeURIComponent(text)}&raw=${text}`;
  const consent = {
    client: {
      name: text,
      uri: `https://sketchpad.example/${text}`,
      redirectUri: `https://sketchpad.example/${queried}`,
    },
    resource: { name: text, url: text },
    requestedScopes: ['actions:read', 'actions:write', 'actions:destructive', text],
    preselectedScopes: ['actions:read', text],
    userEntityRef: text,
    decision: form,
    switchUser: form,
    connectionsAt: '/x',
  };
  const pages = [
    renderSignInPage({
      clientName: text,
      password: { form, name: text },
      guest: { form, userEntityRef: text },
      problem: text,
    }),
    renderConsentPage(consent),
    renderConsentPage({
      ...consent,
      client: { ...consent.client, metadataHost: text || 'x', redirectUri: `cursor://host/${queried}` },
      nothingTicked: true,
    }),
    renderConsentPage({
      ...consent,
      client: { name: text, redirectUri: '' },
      device: { userCode: text, userAgent: text || 'x', address: text || 'x' },
    }),
    renderDeviceCodePage({ form, userCode: text, problem: text || 'x' }),
    renderReturnPage({ location: `cursor://host/callback${queried}`, clientName: text }),
    renderConnectionsPage({
      connections: [
        { clientName: text, redirectHosts: [text], resource: text, scopes: [text], createdAt: text, revoke: form },
      ],
      userEntityRef: text,
      signOut: form,
    }),
    renderErrorPage({ title: 'Title', explanation: text, details: text || 'x' }),
  ];
  return pages.map(String);
}
