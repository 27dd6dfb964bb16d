import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeInChromium, openChromium } from '@callboard/test-utils';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { findFaintTexts, scrollWidth } from '../testing/inPage.js';
import { type ApprovalsApp, approver, startApprovalsApp } from '../testing/startApprovalsApp.js';
import { renderApprovalPage } from './approvalPage.js';

describeInChromium('approvals in Chromium', browserSuite);

function browserSuite() {
  /** Pictures of the pages, for people to look at. */
  const pictures = join(tmpdir(), 'callboard-approval-pages');
  const text =
    'The box office opens at nine and closes when the last curtain has fallen. Members may come two hours earlier.';
  let browser: Browser;
  let app: ApprovalsApp;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    await mkdir(pictures, { recursive: true });
    browser = await openChromium();
    const auth = { experimentalDynamicClientRegistration: { enabled: true }, providers: { guest: {} } };
    app = await startApprovalsApp({
      config: { auth },
      features: [import('@callboard/plugin-auth-backend')],
    });
  });

  afterAll(async () => {
    await browser?.close();
    await app?.stop();
  });

  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 960, height: 900 } });
    page = await context.newPage();
  });

  afterEach(() => context.close());

  const pageOf = (id: string) => `${app.url}/api/approvals/v1/pages/${id}`;
  const button = (name: string, on = page) => on.getByRole('button', { name, exact: true });
  const picture = (name: string, on = page) => on.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });

  async function openSignedIn(url: string): Promise<void> {
    await page.goto(url);
    await button('Continue as guest').click();
    await page.waitForURL(url);
  }

  test('a person signs in, reads what would change, approves, and the call runs once', async () => {
    const id = await app.ask({ text, tags: ['visitors', 'opening'] });
    await openSignedIn(pageOf(id));
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('Approve “Update an article”?');
    expect(await page.locator('del').allInnerTexts()).toContain('ten');
    expect(await page.locator('ins').allInnerTexts()).toContain('nine');
    await picture('pending');

    await page.getByLabel('Comment').fill('Agreed with the box office');
    await button('Approve').click();
    await page.getByText('Approved by user:development/guest').first().waitFor();
    await picture('approved');

    const input = { id: 'A-17', text, tags: ['visitors', 'opening'] };
    expect((await app.invoke('articles:update-article', input)).status).toBe(200);
    await page.getByText('and used: the call was made').first().waitFor();
    expect((await app.invoke('articles:update-article', input)).status).toBe(403);
    expect(app.ran).toEqual([input]);
  });

  test('a second window shows at once what is decided in the first, and says so', async () => {
    const id = await app.ask({ text: 'Live' });
    await openSignedIn(pageOf(id));
    const second = await context.newPage();
    const list = await context.newPage();
    await second.goto(pageOf(id));
    await list.goto(`${app.url}/api/approvals/v1/pages`);
    const waiting = list.getByRole('region', { name: 'Waiting for a decision' }).locator(`a[href$="${id}"]`);
    expect(await waiting.count()).toBe(1);

    await button('Deny').click();

    await second
      .getByRole('status')
      .getByText('Denied by user:development/guest. The call does not run.')
      .waitFor({ state: 'attached' });
    expect(await button('Approve', second).count()).toBe(0);
    await waiting.waitFor({ state: 'detached' });
    expect(await list.getByRole('region', { name: 'Lately' }).locator(`a[href$="${id}"]`).count()).toBe(1);
  });

  test('new requests appear in the list by themselves, whoever decides', async () => {
    await openSignedIn(`${app.url}/api/approvals/v1/pages`);

    const id = await app.ask({ text: 'New' });
    await page.locator(`a[href$="${id}"]`).waitFor();
    await picture('list');
    await app.call(`/api/approvals/v1/approvals/${id}/approve`, { token: approver, body: {} });

    await page.getByText('Approved by external:approver').first().waitFor();
  });

  test('without scripts the page works as well', async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false });
    page = await plain.newPage();
    const id = await app.ask({ text: 'Plain' });
    await openSignedIn(pageOf(id));
    expect(await page.locator('meta[http-equiv=refresh]').getAttribute('content')).toBe('30');

    await button('Approve').click();

    await page.getByText('Approved by user:development/guest').first().waitFor();
    await plain.close();
  });

  test('hostile text neither runs nor hides, and what cannot be seen is shown', async () => {
    const hostile = [
      '<script>fired()</script><img src=x onerror=fired()>',
      '</pre></div></main><form action="https://evil.example"><button>Approve</button></form>',
      'pay\u202e001\u202c to\u200bus\u2066\ufeff\u{e0041}',
      `${'\n'.repeat(40)}the rest`,
      `Z${'\u0335'.repeat(50)}`,
      'x'.repeat(3_000),
    ];
    const id = await app.ask({ text: hostile.join(' '), tags: hostile });
    const errors: string[] = [];
    page.on('pageerror', error => errors.push(error.message));
    page.on('console', message => message.type() === 'error' && errors.push(message.text()));

    await openSignedIn(pageOf(id));
    await picture('hostile');

    const shown = await page.locator('main').innerText();
    expect(shown).toContain('pay\\u{202e}001\\u{202c} to\\u{200b}us\\u{2066}\\u{feff}\\u{e0041}');
    expect(shown).toContain('<script>fired()</script>');
    expect(shown).not.toMatch(/[\u200b\u202e\u2066\ufeff]/u);
    expect(await page.locator('main form').count()).toBe(1);
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(errors).toEqual([]);
  });

  test('the page says who asks in whose words, for the picture of the documentation', async () => {
    const { request } = (await app.call(`/api/approvals/v1/approvals/${await app.ask({ text, tags: [] })}`)).body;
    await page.setViewportSize({ width: 960, height: 400 });
    const shown = renderApprovalPage({
      approval: {
        id: 'q83vEjRWeJq83vEjRWeJqw',
        state: 'pending',
        request: {
          ...request,
          principal: 'user:default/grace',
          clientId: 'https://editor.example/client.json',
          agentId: 'Newsroom Assistant 2.1',
          door: 'mcp',
          reason: 'Ada wrote that the box office opens an hour earlier from Monday on.',
          environment: 'production',
          arguments: { id: 'A-17', text },
          preview: { ...request.preview, after: { ...request.preview.after, tags: request.preview.before.tags } },
        },
        requestedAt: '2027-03-01T09:30:00.000Z',
        expiresAt: '2027-03-01T10:30:00.000Z',
      },
      version: 'pending',
      principal: 'user:default/ada',
      decision: { action: '/decision', hidden: { csrf: 'x' } },
      hindrance: undefined,
      listAt: '/pages',
      accountAt: '/connections',
      eventsAt: '/events',
      script: '/live.js',
      nowMs: Date.parse('2027-03-01T09:33:00.000Z'),
    });

    await page.setContent(shown.toString());
    await picture('documentation');

    const words = await page.locator('main').innerText();
    expect(words).toContain('The agent calls itself “Newsroom Assistant 2.1”. Nobody has checked that.');
    expect(words).toContain('Its own words. Nobody has checked them.');
    expect(words).toContain('57 minutes left to decide');
  });

  test('all can be done with the keyboard', async () => {
    const id = await app.ask({ text: 'Keyboard' });
    await openSignedIn(pageOf(id));
    const reached: string[] = [];
    for (let n = 0; n < 20 && !reached.includes('Approve'); n += 1) {
      await page.keyboard.press('Tab');
      reached.push(
        await page
          .locator(':focus')
          .evaluate(element => (element.getAttribute('name') === 'comment' ? 'comment' : (element.textContent ?? ''))),
      );
    }

    await page.keyboard.press('Enter');

    expect(reached).toEqual(['Approvals', expect.stringContaining('stay as they are'), 'comment', 'Approve']);
    await page.getByText('Approved by user:development/guest').first().waitFor();
  });

  test.each([
    ['light', 320],
    ['dark', 320],
    ['light', 960],
    ['dark', 960],
  ] as const)('the pages fit and can be read (%s, %d px)', async (colorScheme, width) => {
    const id = await app.ask({ text, tags: ['visitors', `${colorScheme}${width}`] });
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    await openSignedIn(pageOf(id));
    await picture(`pending-${colorScheme}-${width}`);

    expect(await page.evaluate(scrollWidth)).toBeLessThanOrEqual(width);
    expect(await page.evaluate(findFaintTexts)).toEqual([]);
    await page.goto(`${app.url}/api/approvals/v1/pages`);
    await picture(`list-${colorScheme}-${width}`);
    expect(await page.evaluate(scrollWidth)).toBeLessThanOrEqual(width);
    expect(await page.evaluate(findFaintTexts)).toEqual([]);
  });
}
