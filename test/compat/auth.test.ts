import { verifyTrail } from '@callboard/plugin-audit-backend';
import { post, type ToolResult } from '@callboard/test-utils';
import { Client as V2Client, StreamableHTTPClientTransport as V2Transport } from '@modelcontextprotocol/client';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callsIn, makeFolder } from '../../plugins/audit-backend/src/testing/trailFolder.js';
import { Browser } from '../../plugins/auth-backend/src/testing/Browser.js';
import { createOAuthProvider } from '../testing/createOAuthProvider.js';
import { StockBackend } from './StockBackend.js';

const guest = 'user:development/guest';
const allScopes = ['actions:read', 'actions:write', 'actions:destructive'];
const kinds = ['sdk-v1', 'v2-modern'] as const;
type Kind = (typeof kinds)[number];

let trail: ReturnType<typeof makeFolder>;
let backend: StockBackend;
let url: string;

beforeAll(async () => {
  trail = makeFolder();
  backend = await StockBackend.start({
    configs: ['app-config.auth.yaml'],
    env: {
      AUTH_PLUGIN: '@callboard/plugin-auth-backend',
      EXTRA_PLUGINS: '@callboard/plugin-audit-backend',
      COMPAT_AUDIT_DIRECTORY: trail.path,
    },
  });
  url = `${backend.baseUrl}/api/mcp-actions/v1`;
  await backend.waitFor('/api/catalog/entities/by-name/component/default/box-office', {
    authorization: 'Bearer compat-unrestricted-token',
  });
}, 150_000);

afterAll(async () => {
  await backend?.stop();
  trail?.remove();
});

type Provider = ReturnType<typeof createOAuthProvider>;

function createClient(kind: Kind, authProvider: Provider) {
  const info = { name: 'test', version: '1.0.0' };
  if (kind === 'sdk-v1') {
    return { client: new V1Client(info), transport: new V1Transport(new URL(url), { authProvider }) };
  }
  return {
    client: new V2Client(info, { versionNegotiation: { mode: { pin: '2026-07-28' } } }),
    transport: new V2Transport(new URL(url), { authProvider }),
  };
}

/** What the person does with the browser that the client has opened. */
async function approve(authorizationUrl: string, scopes: string[]): Promise<URLSearchParams> {
  const browser = new Browser(backend.baseUrl);
  const signIn = await browser.open(authorizationUrl);
  const consent = await browser.submit(signIn, '/sign-in', [], 'value="guest"');
  const decided = await browser.submit(consent, '/consent', [
    ['decision', 'approve'],
    ...scopes.map((scope): [string, string] => ['scope', scope]),
  ]);
  return new URL(decided.url).searchParams;
}

/** From nothing but the URL to a connection in the person's name. */
async function connect(kind: Kind, scopes = allScopes) {
  const provider = createOAuthProvider({ redirectUrl: 'http://127.0.0.1:9999/callback' });
  const first = createClient(kind, provider);
  await expect(first.client.connect(first.transport as never)).rejects.toThrow(/Unauthorized|authorization/i);
  const answer = await approve(String(provider.kept.authorizationUrl), scopes);
  await first.transport.finishAuth(kind === 'sdk-v1' ? (answer.get('code') as string) : (answer as never));
  const { client, transport } = createClient(kind, provider);
  await client.connect(transport as never);
  return {
    client,
    clientId: (provider.kept.client as { client_id: string }).client_id,
    token: (provider.kept.tokens as { access_token: string }).access_token,
    callTool: async (name: string, input: Record<string, unknown>) =>
      (await client.callTool({ name, arguments: input })) as ToolResult,
  };
}

/** The catalog's events in the backend's log, which arrives apart from the answers. */
function catalogEvents(): unknown[] {
  return backend.output
    .split('\n')
    .slice(0, -1) // a line that has not arrived in full, or nothing
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line))
    .filter(({ plugin, isAuditEvent }) => plugin === 'catalog' && isAuditEvent);
}

const toolCall = (name: string, args: object) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name, arguments: args },
});
const listItems = toolCall('todo.list-items', {});
const createItem = toolCall('todo.create-item', { title: 'x' });

describe.each(kinds)('in a stock backend with our auth plugin, %s', kind => {
  it('registers, sends the person to sign in and approve, and lists and calls tools', async () => {
    const { client, callTool } = await connect(kind);

    const names = (await client.listTools()).tools.map(({ name }) => name);
    const created = await callTool('todo.create-item', { title: `By ${kind}` });

    expect(names).toEqual(
      expect.arrayContaining(['catalog.query-catalog-entities', 'search.query', 'todo.list-items']),
    );
    expect(created.structuredContent).toMatchObject({ title: `By ${kind}` });
    await client.close();
  });

  it('acts as the person in the plugins of others', async () => {
    const { client, callTool } = await connect(kind);
    const before = catalogEvents().length;

    const entities = await callTool('catalog.query-catalog-entities', { query: { kind: 'Component' } });
    const notifications = await callTool('notifications.get-notifications', { view: 'all' });

    expect(entities.structuredContent).toMatchObject({ totalItems: 2 });
    expect(notifications.structuredContent).toEqual({ notifications: [], totalCount: 0 });
    await expect
      .poll(() => catalogEvents().slice(before))
      .toContainEqual(
        expect.objectContaining({
          eventId: 'entity-fetch',
          status: 'succeeded',
          actor: expect.objectContaining({ actorId: guest }),
        }),
      );
    await client.close();
  });

  it('has a token that is good for one MCP server, and for nothing else', async () => {
    const { client, token } = await connect(kind);
    const as = { headers: { Authorization: `Bearer ${token}` } };

    const statuses = {
      here: (await post(url, listItems, { token })).status,
      otherServer: (await post(`${url}/other`, listItems, { token })).status,
      catalogActions: (await fetch(`${backend.baseUrl}/api/catalog/.backstage/actions/v1/actions`, as)).status,
      catalog: (await fetch(`${backend.baseUrl}/api/catalog/entities`, as)).status,
    };

    expect(statuses).toEqual({ here: 200, otherServer: 401, catalogActions: 401, catalog: 401 });
    await client.close();
  });

  it('leaves two records per call in a trail that can be verified', async () => {
    const { client, clientId, callTool } = await connect(kind);
    const before = callsIn(trail.path).length;

    await callTool('catalog.query-catalog-entities', { query: { kind: 'Component' } });

    const about = {
      principal: `userPrincipal{${guest}}`,
      clientId,
      door: 'mcp',
      name: 'catalog.query-catalog-entities',
      actionId: 'catalog:query-catalog-entities',
      effect: 'read',
      decision: 'allow',
    };
    const records = callsIn(trail.path).slice(before);
    expect(records).toMatchObject([
      { kind: 'intent', ...about, input: { query: { kind: 'Component' } } },
      { kind: 'outcome', ...about, durationMs: expect.any(Number) },
    ]);
    expect(records[1]?.requestId).toBe(records[0]?.requestId);
    expect(records[1]).not.toHaveProperty('error');
    expect(await verifyTrail(trail.path)).toMatchObject({ ok: true, last: { seq: records[1]?.seq } });
    await client.close();
  });

  it('may do what the person has granted; calls beyond that do not run', async () => {
    const { client, token } = await connect(kind, ['actions:read']);
    const before = callsIn(trail.path).length;

    const looked = await post(url, listItems, { token });
    const changed = await post(url, createItem, { token });
    const inBatch = await post(url, [createItem], { token });

    expect(looked.status).toBe(200);
    expect(changed.status).toBe(403);
    expect(changed.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
    expect(inBatch.text).toContain('needs the scope actions:write, granted: actions:read');
    const kindsOfRecords = callsIn(trail.path)
      .slice(before)
      .filter(({ name }) => name === 'todo.create-item')
      .map(({ kind: kindOfRecord }) => kindOfRecord);
    expect(new Set(kindsOfRecords)).toEqual(new Set(['refusal']));
    await client.close();
  });

  // The challenge in HTTP comes before the path that records calls: refused there, a call leaves no record.
  it('leaves one record of a call beyond what was granted', async () => {
    const { client, token } = await connect(kind, ['actions:read']);
    const before = callsIn(trail.path).length;

    await post(url, createItem, { token });
    await client.close();

    expect(callsIn(trail.path).slice(before)).toMatchObject([
      { kind: 'refusal', decision: 'refuse_scope', principal: `userPrincipal{${guest}}`, name: 'todo.create-item' },
    ]);
  });
});
