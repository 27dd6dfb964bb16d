import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectClient, describeInChromium, openChromium, Visitor } from '@callboard/test-utils';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { findFaintTexts, scrollWidth, textSecurity } from '../testing/inPage.js';
import { startVault, type VaultApp } from '../testing/startVault.js';

describeInChromium('secrets in Chromium', browserSuite);

function browserSuite() {
  /** Pictures of the pages, for people to look at. */
  const pictures = join(tmpdir(), 'callboard-secrets-pages');
  const secret = 'k-0123456789-hush';
  let browser: Browser;
  let app: VaultApp;
  let client: Awaited<ReturnType<typeof connectClient>>;
  let context: BrowserContext;
  let page: Page;
  let count = 0;

  beforeAll(async () => {
    await mkdir(pictures, { recursive: true });
    browser = await openChromium();
    app = await startVault();
    const visitor = new Visitor(app.url);
    await visitor.signIn('/api/mcp-actions/secrets/x');
    const token = await app.tokenOf(visitor);
    client = await connectClient({ url: app.mcpUrl, token, kind: 'v2-modern' });
  });

  afterAll(async () => {
    await client?.close();
    await browser?.close();
    await app?.stop();
  });

  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 960, height: 900 } });
    page = await context.newPage();
  });

  afterEach(() => context.close());

  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const field = (name: string | RegExp) => page.getByRole('textbox', { name });
  const picture = (name: string) => page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  const call = async (name: string) => {
    const result = (await client.callTool('vault.store', { name })) as {
      isError?: boolean;
      _meta?: { 'callboard/secrets'?: { url: string } };
    };
    return { isError: result.isError ?? false, url: result._meta?.['callboard/secrets']?.url ?? '' };
  };
  /** Has a call wait for secrets, and its page opened by the person. */
  async function open(given?: string): Promise<string> {
    count += 1;
    const name = given ?? `object-${count}`;
    const { url } = await call(name);
    await page.goto(url);
    await button('Continue as guest').click();
    await page.waitForURL(url);
    return name;
  }

  test('a person signs in, looks at what they type, enters it, and the call runs', async () => {
    const name = await open();
    const key = page.getByLabel('key – required');
    expect(await key.getAttribute('type')).toBe('password');
    await picture('form');

    await key.fill(secret);
    await page.locator('label.reveal').first().click();
    expect(await key.getAttribute('type')).toBe('text');
    await page.getByLabel('Where – optional').selectOption('south');
    await field('certificate – optional').fill('line one\nline two');
    await picture('filled');
    await button('Enter').click();
    await page.getByRole('heading', { name: 'Entered' }).waitFor();
    await picture('entered');

    expect(page.url()).toBe(`${app.url}/api/mcp-actions/secrets/entered`);
    expect((await call(name)).isError).toBe(false);
    expect(app.ran.at(-1)?.secrets).toEqual({ key: secret, region: 'south', certificate: 'line one\nline two' });
  });

  test('nothing is filled in, not when coming back either', async () => {
    await open();
    await page.getByLabel('key – required').fill('short');
    await button('Enter').click();
    await page.getByText('This was not accepted.').waitFor();
    await picture('problem');

    const values = () =>
      page
        .locator('form input[type=password], form textarea, form select')
        .evaluateAll(all => all.map(one => Reflect.get(one, 'value')));
    expect(await values()).toEqual(['', '', '', '', '', '']);
    expect(await page.getByLabel('key – required').getAttribute('aria-invalid')).toBe('true');
    await page.goto(page.url());
    await page.getByLabel('key – required').fill(secret);
    await page.goto(`${app.url}/api/mcp-actions/secrets/entered`);
    await page.goBack();
    expect(await values()).toEqual(['', '', '', '', '', '']);
  });

  test('text of several lines is hidden until the person wants to see it', async () => {
    await open();
    const hiding = () => field('certificate – optional').evaluate(textSecurity);
    expect(await hiding()).toBe('disc');

    await page.locator('label.reveal:has(+ textarea)').first().click();

    expect(await hiding()).toBe('none');
  });

  test('without scripts the page works as well', async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false });
    page = await plain.newPage();
    const name = await open();
    expect(await page.locator('label.reveal:visible').count()).toBe(2);

    await page.getByLabel('key – required').fill(secret);
    await button('Enter').click();
    await page.getByRole('heading', { name: 'Entered' }).waitFor();

    expect((await call(name)).isError).toBe(false);
    await plain.close();
  });

  test('hostile text neither runs nor hides, and nothing of the page is refused by its own policy', async () => {
    const errors: string[] = [];
    page.on('pageerror', error => errors.push(error.message));
    page.on('console', message => message.type() === 'error' && errors.push(message.text()));

    await open(
      '</pre></main><form action="https://evil.example"><script>fired()</script>\u202e\u200b<img src=x onerror=fired()>',
    );
    await picture('hostile');

    expect(await page.locator('main form').count()).toBe(1);
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(await page.locator('main').innerText()).toContain('\\u{202e}\\u{200b}');
    expect(errors).toEqual([]);
  });

  test('all can be done with the keyboard', async () => {
    const name = await open();
    const reached: string[] = [];
    for (let n = 0; n < 20 && !reached.includes('Enter'); n += 1) {
      await page.keyboard.press('Tab');
      const focused = page.locator(':focus');
      reached.push(await focused.evaluate(element => element.id || (element.textContent ?? '')));
      if (reached.at(-1) === 'field0') {
        await page.keyboard.type(secret);
      }
    }

    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Entered' }).waitFor();

    expect(reached.filter(id => id.startsWith('field'))).toEqual([0, 1, 2, 3, 4, 5].map(n => `field${n}`));
    expect((await call(name)).isError).toBe(false);
  });

  test.each([
    ['light', 320],
    ['dark', 320],
    ['light', 960],
    ['dark', 960],
  ] as const)('the pages fit and can be read (%s, %d px)', async (colorScheme, width) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    await open();
    await picture(`form-${colorScheme}-${width}`);
    expect(await page.evaluate(scrollWidth)).toBeLessThanOrEqual(width);
    expect(await page.evaluate(findFaintTexts)).toEqual([]);

    await page.getByLabel('key – required').fill('short');
    await button('Enter').click();
    await page.getByText('This was not accepted.').waitFor();
    await picture(`problem-${colorScheme}-${width}`);
    expect(await page.evaluate(scrollWidth)).toBeLessThanOrEqual(width);
    expect(await page.evaluate(findFaintTexts)).toEqual([]);
  });
}
