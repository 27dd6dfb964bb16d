import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import authPlugin from '@callboard/plugin-auth-backend';
import todoPlugin from '@callboard/plugin-example-todo-backend';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import { describeInChromium, openChromium, startTestApp, type TestApp } from '@callboard/test-utils';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { binFile, buildCli, cleanEnv, makeHome, startBridge } from '../testing/cli.js';

describeInChromium('without a token', suite);

function suite() {
  let app: TestApp;
  let url: string;
  let browser: Browser;
  let home: string;

  beforeAll(async () => {
    buildCli();
    app = await startTestApp({
      features: [authPlugin, mcpFeatures, todoPlugin],
      config: {
        backend: { actions: { pluginSources: ['todo'] } },
        auth: { experimentalDynamicClientRegistration: { enabled: true }, providers: { guest: {} } },
      },
    });
    url = `${app.url}/api/mcp-actions/v1`;
    browser = await openChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await app?.stop();
  });
  beforeEach(() => {
    home = makeHome();
    return () => rmSync(home, { recursive: true, force: true });
  });

  /** Hands the page to the test instead of to a browser of the person. */
  const env = (more: Record<string, string> = {}) => {
    const program = join(home, 'browser.sh');
    writeFileSync(program, '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    return cleanEnv(home, { CALLBOARD_URL: url, BROWSER: program, ...more });
  };
  const credentialFiles = () => {
    const folder = join(home, 'state/credentials');
    return readdirSync(folder)
      .filter(name => name.endsWith('.json'))
      .map(name => join(folder, name));
  };

  async function decide(pageUrl: string, decision: 'Approve' | 'Deny', leaveOut: string[] = []) {
    const page = await (await browser.newContext()).newPage();
    await page.goto(pageUrl);
    const guest = page.getByRole('button', { name: /guest/i });
    const decided = page.getByRole('button', { name: decision, exact: true });
    await guest.or(decided).first().waitFor();
    if (await guest.isVisible()) {
      await guest.click();
    }
    for (const name of leaveOut) {
      await page.getByLabel(name).uncheck();
    }
    await decided.click();
    await page.waitForURL(at => at.hostname === '127.0.0.1' && at.pathname === '/callback');
    const title = await page.getByRole('heading').textContent();
    await page.context().close();
    return title;
  }

  function cli(args: string[], more: Record<string, string> = {}) {
    const child = spawn(process.execPath, [binFile, ...args], { env: env(more), stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', chunk => {
      stdout += chunk;
    });
    const pages = pagesOf(child.stderr, text => {
      stderr += text;
    });
    const done = new Promise<{ exitCode: number | null; stdout: string; stderr: string }>(resolve =>
      child.once('close', exitCode => resolve({ exitCode, stdout, stderr })),
    );
    return { page: pages, done };
  }

  function pagesOf(stream: NodeJS.ReadableStream, onText: (text: string) => void = () => {}) {
    return new Promise<string>(resolve => {
      let text = '';
      stream.on('data', chunk => {
        text += chunk;
        onText(String(chunk));
        const found = /^(http\S+\/v1\/authorize\S*)$/m.exec(text)?.[1];
        if (found) {
          resolve(found);
        }
      });
    });
  }

  it('the bridge sends the person to a page, and keeps what comes of it for itself', async () => {
    const bridge = startBridge({ env: env() });
    const page = pagesOf(bridge.child.stderr);

    bridge.send({
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
    });
    expect(await decide(await page, 'Approve')).toBe('Signed in');
    await bridge.answerTo(1);
    bridge.send({ method: 'notifications/initialized' });
    bridge.send({
      id: 2,
      method: 'tools/call',
      params: { name: 'todo.create-item', arguments: { title: 'Signed in' } },
    });

    expect((await bridge.answerTo(2)).result?.structuredContent).toMatchObject({ title: 'Signed in' });
    expect(await bridge.stop()).toBe(0);
    const [file = ''] = credentialFiles();
    const { tokens } = JSON.parse(readFileSync(file, 'utf8'));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(bridge.log).not.toContain(tokens.access_token);
    expect(bridge.log).not.toContain(tokens.refresh_token);
  });

  it('login, calls, a token that has ended, more scopes, logout', async () => {
    const login = cli(['login']);
    await decide(await login.page, 'Approve', ['Make changes']);
    const loggedIn = await login.done;
    const listed = await cli(['actions', 'list', '--json']).done;
    const [file = ''] = credentialFiles();
    const before = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...before, tokens: { ...before.tokens, access_token: 'ended' } }));
    const refreshed = await cli(['actions', 'call', 'todo.list-items', 'limit=1']).done;
    const after = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...after, expiresAtMs: Date.now() - 1 }));
    await Promise.all([cli(['actions', 'list']).done, cli(['actions', 'list']).done]);
    const lacking = await cli(['actions', 'call', 'todo.create-item', 'title=x']).done;
    const loggedOut = await cli(['logout']).done;
    const afterwards = await cli(['actions', 'list']).done;

    expect(loggedIn).toMatchObject({ exitCode: 0, stdout: `Signed in to ${url}\n` });
    expect(listed.exitCode).toBe(0);
    expect(refreshed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(after.tokens.access_token).not.toBe('ended');
    expect(after.tokens.refresh_token).not.toBe(before.tokens.refresh_token);
    expect(lacking).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('callboard login') });
    expect(loggedOut).toMatchObject({ exitCode: 0, stdout: `Signed out of ${url}\n`, stderr: '' });
    expect(credentialFiles()).toEqual([]);
    expect(afterwards).toMatchObject({ exitCode: 4, stdout: '' });
  });

  it('the bridge asks for more where a call needs it', async () => {
    const login = cli(['login']);
    await decide(await login.page, 'Approve', ['Make changes']);
    await login.done;
    const bridge = startBridge({ env: env() });
    const page = pagesOf(bridge.child.stderr);
    bridge.send({
      id: 1,
      method: 'tools/call',
      params: {
        name: 'todo.create-item',
        arguments: { title: 'With more' },
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    });

    await decide(await page, 'Approve');

    expect((await bridge.answerTo(1)).result?.structuredContent).toMatchObject({ title: 'With more' });
    await bridge.stop();
  });

  it('the bridge asks again when what was kept is gone', async () => {
    const login = cli(['login']);
    await decide(await login.page, 'Approve');
    await login.done;
    const bridge = startBridge({ env: env() });
    bridge.send({
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
    });
    await bridge.answerTo(1);
    rmSync(join(home, 'state'), { recursive: true });
    const page = pagesOf(bridge.child.stderr);

    bridge.send({ method: 'notifications/cancelled', params: { requestId: 99 } });
    const pageUrl = await page;
    await decide(pageUrl, 'Approve');
    bridge.send({ method: 'notifications/initialized' });
    bridge.send({ id: 2, method: 'tools/list' });

    expect((await bridge.answerTo(2)).result?.tools).toBeDefined();
    await bridge.stop();
  });

  it('says so where the person denies', async () => {
    const login = cli(['login']);
    const title = await decide(await login.page, 'Deny');

    expect(title).toBe('Not signed in');
    expect(await login.done).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining('The request was denied on the sign-in page'),
    });
  });
}
