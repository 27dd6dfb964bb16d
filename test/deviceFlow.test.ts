import { connectClient, describeInChromium, openChromium, type TestApp } from '@callboard/test-utils';
import * as oauth from 'oauth4webapi';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { insecure } from '../plugins/auth-backend/src/testing/startAuthApp.js';
import { startWholeApp } from './testing/startWholeApp.js';

describeInChromium('a terminal without a browser that is given only the URL', () => {
  let app: TestApp;
  let url: string;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    app = await startWholeApp({ surroundings: { now: () => Date.now() } });
    url = `${app.url}/api/mcp-actions/v1`;
    browser = await openChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await app?.stop();
  });
  beforeEach(async () => {
    page = await (await browser.newContext()).newPage();
  });
  afterEach(async () => {
    vi.useRealTimers();
    await page.context().close();
  });

  it('gets a token after a person enters its code elsewhere and approves, and calls actions', async () => {
    const terminal = await startTerminal();

    const before = await terminal.poll();
    await enterCode(terminal);
    const compared = await page.locator('.usercode').innerText();
    await page.getByLabel('Make changes').check();
    await press('Approve');
    await page.getByRole('heading', { name: 'Device connected' }).waitFor();
    const tokens = await terminal.poll();
    const client = await connectClient({ url, token: tokens.access_token as string, kind: 'v2-modern' });
    const created = await client.callTool('todo.create-item', { title: 'By a terminal' });

    expect(before).toEqual({ error: 'authorization_pending' });
    expect(compared).toBe(terminal.userCode);
    expect(tokens).toMatchObject({ token_type: 'bearer', refresh_token: expect.any(String) });
    expect(created.structuredContent).toMatchObject({ title: 'By a terminal' });
    await client.close();
  });

  it('goes on without the person, by refreshing', async () => {
    const terminal = await startTerminal();
    await enterCode(terminal);
    await press('Approve');
    await page.getByRole('heading', { name: 'Device connected' }).waitFor();
    const first = await terminal.poll();

    const second = await terminal.refresh(first.refresh_token as string);

    const client = await connectClient({ url, token: second.access_token, kind: 'sdk-v1-streamable' });
    expect((await client.callTool('todo.list-items')).isError).toBeFalsy();
    expect(second.refresh_token).not.toBe(first.refresh_token);
    await client.close();
  });

  it('is told that the person denied', async () => {
    const terminal = await startTerminal();

    await enterCode(terminal);
    await press('Deny');
    await page.getByRole('heading', { name: 'Not connected' }).waitFor();

    expect(await terminal.poll()).toEqual({ error: 'access_denied' });
  });

  it('is told that its code is too old, and so is the person who enters it', async () => {
    const terminal = await startTerminal();

    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + (terminal.expiresInSeconds + 1) * 1000 });
    await enterCode(terminal);

    expect(await page.getByRole('alert').innerText()).toContain('No device waits for this code');
    expect(await terminal.poll()).toEqual({ error: 'expired_token' });
  });

  /** What a person does who reads the address and the code from the terminal. */
  async function enterCode(terminal: { verificationUri: string; userCode: string }) {
    await page.goto(terminal.verificationUri);
    await page.getByRole('button', { name: /guest/i }).click();
    await page.getByLabel('Code').fill(terminal.userCode);
    await press('Continue');
  }

  async function press(name: string) {
    await page.getByRole('button', { name, exact: true }).click();
  }

  /** Finds the authorization server, registers, and asks for a code, all by an independent library. */
  async function startTerminal() {
    const challenged = await fetch(url, { method: 'POST' });
    const metadataUrl = /resource_metadata="([^"]+)"/.exec(challenged.headers.get('www-authenticate') ?? '')?.[1];
    const resource = await oauth.processResourceDiscoveryResponse(new URL(url), await fetch(metadataUrl as string));
    const issuer = new URL(resource.authorization_servers?.[0] as string);
    const server = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }),
    );
    const registration = await oauth.dynamicClientRegistrationRequest(
      server,
      {
        client_name: 'Terminal',
        grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
        token_endpoint_auth_method: 'none',
      },
      insecure,
    );
    const client = (await oauth.processDynamicClientRegistrationResponse(registration)) as oauth.Client;
    const device = await oauth.processDeviceAuthorizationResponse(
      server,
      client,
      await oauth.deviceAuthorizationRequest(
        server,
        client,
        oauth.None(),
        { resource: resource.resource, scope: 'actions:read actions:write' },
        insecure,
      ),
    );
    return {
      verificationUri: device.verification_uri,
      userCode: device.user_code,
      expiresInSeconds: device.expires_in,
      async poll(): Promise<Partial<oauth.TokenEndpointResponse> & { error?: string }> {
        const response = await oauth.deviceCodeGrantRequest(server, client, oauth.None(), device.device_code, insecure);
        return oauth.processDeviceCodeResponse(server, client, response).catch(error => {
          if (error instanceof oauth.ResponseBodyError) {
            return { error: error.error };
          }
          throw error;
        });
      },
      async refresh(refreshToken: string) {
        const response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), refreshToken, insecure);
        return oauth.processRefreshTokenResponse(server, client, response);
      },
    };
  }
});
