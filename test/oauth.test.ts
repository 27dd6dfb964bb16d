import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { configSectionFeature } from '@callboard/actions-api';
import todoPlugin from '@callboard/plugin-example-todo-backend';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import { describeInChromium, openChromium, startTestApp, startTlsServer, type TestApp } from '@callboard/test-utils';
import { Client as V2Client, StreamableHTTPClientTransport as V2Transport } from '@modelcontextprotocol/client';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { authConfigSection } from '../plugins/auth-backend/src/config.js';
import { createAuthPlugin } from '../plugins/auth-backend/src/plugin.js';
import { createDocumentFetch } from '../plugins/auth-backend/src/registration/fetchDocument.js';
import { createOAuthProvider } from './testing/createOAuthProvider.js';

describeInChromium('a client that is given only the URL', suite);

const kinds = ['sdk-v1', 'v2-legacy', 'v2-modern'] as const;
type Kind = (typeof kinds)[number];

function suite() {
  let app: TestApp;
  let url: string;
  let documents: Awaited<ReturnType<typeof startTlsServer>>;
  let application: Server;
  let redirectUrl: string;
  let clientUrl: string;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    application = createServer((_req, res) => res.end('<title>Back in the application</title>'));
    await new Promise<void>(resolve => application.listen(0, '127.0.0.1', resolve));
    redirectUrl = `http://127.0.0.1:${(application.address() as AddressInfo).port}/callback`;

    documents = await startTlsServer(['client.example'], (_req, res) => {
      res.setHeader('Content-Type', 'application/json');
      res.end(
        JSON.stringify({
          client_id: clientUrl,
          client_name: 'Documented Client',
          redirect_uris: [redirectUrl],
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          token_endpoint_auth_method: 'none',
        }),
      );
    });
    clientUrl = `https://client.example:${documents.port}/mcp-client.json`;
    // All that stands in for the outside world: where the client's site is, and who vouches for it.
    const fetchDocument = createDocumentFetch({
      ca: documents.ca,
      allowsPrivate: () => true,
      lookup: (_hostname, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
    });

    app = await startTestApp({
      features: [configSectionFeature(authConfigSection), createAuthPlugin({ fetchDocument }), mcpFeatures, todoPlugin],
      config: {
        backend: { actions: { pluginSources: ['todo'] } },
        mcpActions: { servers: { other: { name: 'Other' } } },
        auth: {
          experimentalDynamicClientRegistration: { enabled: true },
          clientIdMetadataDocuments: {
            enabled: true,
            allowedClientIdPatterns: [`https://client.example:${documents.port}/*`],
          },
          providers: { guest: {} },
        },
      },
    });
    url = `${app.url}/api/mcp-actions/v1`;
    browser = await openChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await app?.stop();
    await documents?.stop();
    application?.closeAllConnections();
    application?.close();
  });
  beforeEach(async () => {
    page = await (await browser.newContext()).newPage();
  });
  afterEach(() => page.context().close());

  const createProvider = (clientMetadataUrl?: string) => createOAuthProvider({ redirectUrl, clientMetadataUrl });
  type Provider = ReturnType<typeof createProvider>;

  function createClient(kind: Kind, provider: Provider, target = url) {
    const info = { name: 'test', version: '1.0.0' };
    const options = { authProvider: provider };
    if (kind === 'sdk-v1') {
      return { client: new V1Client(info), transport: new V1Transport(new URL(target), options) };
    }
    const mode = kind === 'v2-modern' ? { pin: '2026-07-28' as const } : 'legacy';
    return {
      client: new V2Client(info, { versionNegotiation: { mode } }),
      transport: new V2Transport(new URL(target), options),
    };
  }

  /** What the person does with the browser that the client has opened. */
  async function decide(provider: Provider, decision: 'Approve' | 'Deny', leaveOut: string[] = []) {
    await page.goto(String(provider.kept.authorizationUrl));
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
    await page.waitForURL(at => at.href.startsWith(redirectUrl));
    return new URL(page.url()).searchParams;
  }

  async function connect(kind: Kind, provider: Provider, leaveOut: string[] = []) {
    const first = createClient(kind, provider);
    await expect(first.client.connect(first.transport as never)).rejects.toThrow(/Unauthorized|authorization/i);
    const answer = await decide(provider, 'Approve', leaveOut);
    await first.transport.finishAuth(kind === 'sdk-v1' ? (answer.get('code') as string) : (answer as never));
    const second = createClient(kind, provider);
    await second.client.connect(second.transport as never);
    return second.client;
  }

  it.each(kinds)('(%s) registers, sends the person to sign in and approve, and calls actions', async kind => {
    const provider = createProvider();

    const client = await connect(kind, provider);
    const { structuredContent } = await client.callTool({
      name: 'todo.create-item',
      arguments: { title: `By ${kind}` },
    });

    expect(structuredContent).toMatchObject({ title: `By ${kind}` });
    expect(provider.kept.tokens).toMatchObject({ token_type: 'Bearer', expires_in: expect.any(Number) });
    await client.close();
  });

  it.each(['sdk-v1', 'v2-modern'] as const)('(%s) is known by the document at its own address', async kind => {
    const provider = createProvider(clientUrl);

    const client = await connect(kind, provider);

    expect((await client.listTools()).tools.length).toBeGreaterThan(0);
    expect(provider.kept.client).toMatchObject({ client_id: clientUrl });
    await client.close();
  });

  it('gets no token where the person denies', async () => {
    const provider = createProvider();
    const { client, transport } = createClient('v2-modern', provider);
    await expect(client.connect(transport as never)).rejects.toThrow();

    const answer = await decide(provider, 'Deny');

    expect(answer.get('error')).toBe('access_denied');
    expect(answer.get('code')).toBeNull();
  });

  it('may do what the person has granted, and is told in HTTP what it would need beyond', async () => {
    const provider = createProvider();
    const client = await connect('sdk-v1', provider, ['Make changes']);
    const token = (provider.kept.tokens as { access_token: string }).access_token;

    const looked = await client.callTool({ name: 'todo.list-items', arguments: {} });
    const changed = await callRaw(token, 'todo.create-item', { title: 'x' });
    const inBatch = await callRaw(token, 'todo.create-item', { title: 'x' }, { batch: true });

    expect(looked.isError).toBeFalsy();
    expect(changed.status).toBe(403);
    expect(changed.challenge).toContain('error="insufficient_scope"');
    expect(changed.challenge).toContain('scope="actions:read actions:write"');
    expect(changed.challenge).toContain(
      `resource_metadata="${app.url}/.well-known/oauth-protected-resource/api/mcp-actions/v1"`,
    );
    expect(inBatch.text).toContain('needs the scope actions:write, granted: actions:read');
    await client.close();
  });

  it('has a token that is good for one MCP server, and for nothing else', async () => {
    const provider = createProvider();
    const client = await connect('sdk-v1', provider);
    const token = (provider.kept.tokens as { access_token: string }).access_token;
    const as = { headers: { Authorization: `Bearer ${token}` } };

    const statuses = {
      here: (await callRaw(token, 'todo.list-items', {})).status,
      otherServer: (await callRaw(token, 'todo.list-items', {}, { path: '/other' })).status,
      otherPlugin: (await fetch(`${app.url}/api/todo/.backstage/actions/v1/actions`, as)).status,
      sameplugin: (await fetch(`${app.url}/api/mcp-actions/.backstage/actions/v1/actions`, as)).status,
    };

    expect(statuses).toEqual({ here: 200, otherServer: 401, otherPlugin: 401, sameplugin: 401 });
    await client.close();
  });

  it('acts as the person, and is on record with both', async () => {
    const provider = createProvider();
    const client = await connect('sdk-v1', provider);

    await client.callTool({ name: 'todo.list-items', arguments: {} });

    const [event] = app.logs.filter(({ eventId }) => eventId === 'tool-execution').slice(-1);
    expect(event).toMatchObject({
      status: 'succeeded',
      meta: {
        principal: expect.stringContaining('user:development/guest'),
        clientId: (provider.kept.client as { client_id: string }).client_id,
      },
    });
    await client.close();
  });

  it('loses access when the person revokes it', async () => {
    const provider = createProvider();
    const client = await connect('sdk-v1', provider);
    await page.goto(`${app.url}/api/auth/connections`);
    await page.getByRole('heading', { name: 'Connected applications' }).waitFor();
    const remove = page.getByRole('button', { name: /^Remove access/ });
    while ((await remove.count()) > 0) {
      await remove.first().click();
      await page.getByRole('status').waitFor();
    }

    const { access_token: token, refresh_token: refreshToken } = provider.kept.tokens as Record<string, string>;
    const refreshed = await fetch(`${app.url}/api/auth/v1/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: refreshToken as string,
        client_id: (provider.kept.client as { client_id: string }).client_id,
      }),
    });

    expect(await refreshed.json()).toMatchObject({ error: 'invalid_grant' });
    // The MCP server has not seen this token before, so nothing about it is kept.
    expect((await callRaw(token as string, 'todo.list-items', {}, { path: '/other' })).status).toBe(401);
    await client.close().catch(() => {});
  });

  async function callRaw(
    token: string,
    name: string,
    args: object,
    { path = '', batch = false }: { path?: string; batch?: boolean } = {},
  ) {
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } };
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(batch ? [message] : message),
    });
    return {
      status: response.status,
      challenge: response.headers.get('www-authenticate') ?? '',
      text: await response.text(),
    };
  }
}
