import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { type ClientKind, connectClient, post } from '@callboard/test-utils';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type StdioFront, startStdioFront } from './stdioFront.js';

const kinds = ['sdk-v1-streamable', 'v2-legacy', 'v2-modern', 'v2-auto'] as const satisfies ClientKind[];

let front: StdioFront;
let log = '';
beforeAll(async () => {
  front = await startStdioFront({
    command: process.execPath,
    args: [fileURLToPath(new URL('smallStdioServer.mjs', import.meta.url))],
    env: {},
    onLog: text => {
      log += text;
    },
  });
});
afterAll(() => front?.close());

const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};
const connect = (kind: ClientKind) =>
  connectClient({
    url: front.url,
    token: 'none',
    kind,
    answer: () => ({ action: 'accept', content: { name: 'Ada' } }),
  });

/** A request of the 2026 era with its headers, of which some may be others. */
function modern(
  method: string,
  params: Record<string, unknown> = {},
  headers: Record<string, string | undefined> = {},
) {
  return post(
    front.url,
    { jsonrpc: '2.0', id: 1, method, params: { _meta: meta, ...params } },
    {
      headers: {
        'MCP-Protocol-Version': '2026-07-28',
        'Mcp-Method': method,
        ...(typeof params.name === 'string' && { 'Mcp-Name': params.name }),
        ...headers,
      },
    },
  );
}

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
};

describe.each(kinds)('the client %s in front of a stdio server', kind => {
  it('gets answers and progress of its own calls, whatever others call at the same time', async () => {
    const clients = await Promise.all([connect(kind), connect(kind)]);
    const progress: string[][] = [[], []];

    const results = await Promise.all(
      clients.flatMap((client, which) =>
        [0, 1, 2].map(turn =>
          client.callTool(
            'echo',
            { text: `${which}-${turn}`, ms: 60 - 20 * turn },
            { onProgress: ({ message }) => progress[which]?.push(String(message)) },
          ),
        ),
      ),
    );

    const texts = results.map(({ content }) => content[0]?.text?.split(' ')[1]);
    expect(texts).toEqual(['0-0', '0-1', '0-2', '1-0', '1-1', '1-2']);
    expect(progress.map(each => [...each].sort())).toEqual([
      ['0-0', '0-1', '0-2'],
      ['1-0', '1-1', '1-2'],
    ]);
    const processes = new Set(results.map(({ content }) => content[0]?.text?.split(' ')[0]));
    expect(processes.size).toBe(clients[0]?.era === 'modern' ? 1 : 2);
    await Promise.all(clients.map(client => client.close()));
  });

  it('cancels a call', async () => {
    const client = await connect(kind);
    const controller = new AbortController();
    const before = log.length;
    const count = (word: string) => log.slice(before).split(word).length - 1;

    const waiting = client.callTool('wait', {}, { signal: controller.signal });
    waiting.catch(() => {});
    await expect.poll(() => count('waiting')).toBe(1);
    controller.abort();

    await expect(waiting).rejects.toThrow();
    await expect.poll(() => count('cancelled')).toBe(1);
    await client.close();
  });

  it('hears of changes', async () => {
    const client = await connect(kind);
    let changes = 0;
    if (client.raw instanceof V1Client) {
      client.raw.fallbackNotificationHandler = async ({ method }) => {
        changes += method === 'notifications/tools/list_changed' ? 1 : 0;
      };
    } else {
      client.raw.setNotificationHandler('notifications/tools/list_changed', () => {
        changes += 1;
      });
      if (client.era === 'modern') {
        await client.raw.listen({ toolsListChanged: true });
      }
    }

    await client.callTool('change');

    await expect.poll(() => changes).toBe(1);
    await client.close();
  });
});

it.each(['sdk-v1-streamable', 'v2-legacy'] as const)('carries a question to the client %s', async kind => {
  const client = await connect(kind);

  const result = await client.callTool('ask');

  expect(result.content[0]?.text).toBe('Hello Ada');
  await client.close();
});

describe('a session', () => {
  it('has an id, takes notifications, and is gone when it is deleted', async () => {
    const opened = await post(front.url, initialize);
    const headers = { 'Mcp-Session-Id': opened.headers.get('mcp-session-id') ?? '' };
    const notified = await post(front.url, { jsonrpc: '2.0', method: 'notifications/initialized' }, { headers });
    const pinged = await post(front.url, { jsonrpc: '2.0', id: 'p', method: 'ping' }, { headers });
    const ended = await fetch(front.url, { method: 'DELETE', headers });
    const after = await post(front.url, { jsonrpc: '2.0', id: 2, method: 'ping' }, { headers });

    expect(opened.message).toMatchObject({ id: 1, result: { serverInfo: { name: 'small' } } });
    expect([notified.status, notified.text]).toEqual([202, '']);
    expect(pinged.message).toEqual({ jsonrpc: '2.0', id: 'p', result: {} });
    expect([ended.status, after.status]).toEqual([200, 404]);
  });

  it('is needed for what is no initialize, and to listen', async () => {
    const ping = await post(front.url, { jsonrpc: '2.0', id: 2, method: 'ping' });
    const listening = await fetch(front.url, { headers: { Accept: 'text/event-stream' } });

    expect([ping.status, listening.status]).toEqual([400, 405]);
  });

  it('ends with the process behind it, which says why', async () => {
    const opened = await post(front.url, initialize);
    const headers = { 'Mcp-Session-Id': opened.headers.get('mcp-session-id') ?? '' };

    const call = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'crash' } };
    const crashed = await post(front.url, call, { headers });
    const after = await post(front.url, { ...call, id: 3 }, { headers });

    expect(crashed.message).toMatchObject({ id: 2, error: { message: expect.stringContaining('it is over') } });
    expect(after.status).toBe(404);
  });
});

describe('a request of the 2026 era', () => {
  it('has an answer as JSON where nothing comes before it', async () => {
    const answer = await modern('server/discover');

    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.message).toMatchObject({ id: 1, result: { resultType: 'complete' } });
  });

  it.each<[string, () => ReturnType<typeof post>, number, number]>([
    ['an unknown method', () => modern('no/such'), 404, -32601],
    ['an unknown tool', () => modern('tools/call', { name: 'nosuch', arguments: {} }), 400, -32602],
    [
      'no capabilities',
      () =>
        modern('tools/list', {
          _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' },
        }),
      400,
      -32602,
    ],
    ['no version header', () => modern('tools/list', {}, { 'MCP-Protocol-Version': undefined }), 400, -32020],
    ['no method header', () => modern('tools/list', {}, { 'Mcp-Method': undefined }), 400, -32020],
    ['the name of another tool', () => modern('tools/call', { name: 'echo' }, { 'Mcp-Name': 'wait' }), 400, -32020],
  ])('is refused with %s', async (_what, send, status, code) => {
    const answer = await send();

    expect([answer.status, answer.message?.error?.code]).toEqual([status, code]);
  });

  it('takes notifications, of which there are none to hand on', async () => {
    const body = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1, _meta: meta } };
    const headers = { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': body.method };

    expect((await post(front.url, body, { headers })).status).toBe(202);
  });
});

it.each([{ Host: 'evil.example.com' }, { Origin: 'http://evil.example.com' }])('refuses %o', async headers => {
  const status = await new Promise(resolve => {
    request(front.url, { method: 'POST', headers }, ({ statusCode }) => resolve(statusCode)).end(
      JSON.stringify(initialize),
    );
  });

  expect(status).toBe(403);
});

it('refuses what is no message', async () => {
  expect((await post(front.url, '{')).status).toBe(400);
});
