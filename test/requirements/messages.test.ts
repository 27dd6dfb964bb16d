import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modern, TOKENS } from '../../plugins/mcp-actions-backend/src/testing/startProbe.js';
import { eras, everything, type SpecServer, startSpecServer } from './testing/startSpecServer.js';

let app: SpecServer;
beforeAll(async () => {
  app = await startSpecServer({ mcpActions: { maxOutputCharacters: 2_000 } });
});
afterAll(() => app.stop());

const echo = (message: string) => ({ name: 'probe.echo', arguments: { message } });

describe.each(eras)('in %s', era => {
  it.each([0, 7, -1, 2 ** 53 - 1, 'a', '', '7', 'ü 🎭'])(
    'a request is answered under its own id, be it a number or a text',
    async id => {
      const result = await app.ask(era, 'tools/call', echo('x'), { id });
      const error = await app.ask(era, 'tools/call', { name: 'nosuch' }, { id });

      expect([result.json.id, error.json.id]).toEqual([id, id]);
      expect([Boolean(result.json.result), Boolean(error.json.error)]).toEqual([true, true]);
    },
  );

  it('a refusal has the id of its request, where that could be read', async () => {
    const { body, headers } = modern('tools/call', { name: 'test_x_mcp_header', arguments: { region: 'x' } });
    const list = { jsonrpc: '2.0', id: 'mine', method: 'tools/list' };
    const refuse = (sent: unknown, more: Record<string, string>, token: string | null = TOKENS.ada) =>
      app.send(sent, { token, headers: { 'MCP-Protocol-Version': era, ...more } });

    const readable = await Promise.all([
      refuse(list, { 'Mcp-Session-Id': 'nosuch' }),
      refuse(list, { 'MCP-Protocol-Version': '1999-01-01' }),
      refuse({ ...body, id: 'mine' }, headers),
    ]);
    const unreadable = await Promise.all([
      refuse(list, {}, null),
      refuse('{"id":"mine"', {}),
      refuse({ ...list, id: { not: 'an id' } }, { 'Mcp-Session-Id': 'nosuch' }),
      refuse([list, list], { 'Mcp-Session-Id': 'nosuch' }),
      refuse({ jsonrpc: '2.0', method: 'notifications/cancelled' }, { 'Mcp-Session-Id': 'nosuch' }),
    ]);

    expect(readable.map(({ status, json }) => [status, json.id])).toEqual([
      [404, 'mine'],
      [400, 'mine'],
      [400, 'mine'],
    ]);
    expect(unreadable.map(({ json }) => json.id)).toEqual(Array(5).fill(null));
  });

  it.each([
    ['tools/list', {}],
    ['tools/call', echo('x')],
    ['tools/call', { name: 'probe.fail', arguments: { with: 'ConflictError' } }],
    ['tools/call', { name: 'probe.fail', arguments: { with: 'Error' } }],
    ['tools/call', { name: 'nosuch', arguments: {} }],
    ['tools/call', {}],
    ['resources/read', { uri: 'test://nosuch' }],
    ['resources/read', { uri: 'test://static-text' }],
    ['prompts/get', { name: 'test_simple_prompt' }],
    ['prompts/get', { name: 'test_prompt_with_arguments', arguments: {} }],
    ['completion/complete', {}],
    ['nosuch/method', {}],
  ])(
    'an answer has a result or an error, and an error has an integer as code and a message',
    async (method, params) => {
      const { json } = await app.ask(era, method, params);

      const { result, error, ...rest } = json;
      expect(rest).toEqual({ jsonrpc: '2.0', id: 1 });
      expect([typeof result, typeof error].sort()).toEqual(['object', 'undefined']);
      expect(error === undefined || (Number.isInteger(error.code) && typeof error.message === 'string')).toBe(true);
    },
  );

  it.each(['notifications/cancelled', 'notifications/initialized', 'notifications/nosuch', 'tools/list'])(
    'a notification is answered with nothing: %s',
    async method => {
      const { body, headers } = modern(method, { requestId: 'nosuch' });
      const { id: _, ...notification } = body;

      const { status, text } =
        era === '2026-07-28'
          ? await app.send(notification, { token: TOKENS.ada, headers })
          : await app.send({ jsonrpc: '2.0', method, params: { requestId: 'nosuch' } }, { token: TOKENS.ada });

      expect([status, text]).toEqual([202, '']);
    },
  );

  it('a notification that cannot be taken is answered with an HTTP error', async () => {
    const notification = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
    const refusedFor = (headers: Record<string, string>, body: object = notification) =>
      app.send(body, { token: TOKENS.ada, headers });

    const refused = await Promise.all([
      refusedFor({ 'MCP-Protocol-Version': '1999-01-01' }),
      refusedFor({ 'MCP-Protocol-Version': era, 'Mcp-Session-Id': 'nosuch' }),
      refusedFor({ 'MCP-Protocol-Version': era }, { ...notification, jsonrpc: '1.0' }),
      refusedFor({ 'MCP-Protocol-Version': era, 'Content-Type': 'text/plain' }),
    ]);

    expect(refused.map(({ status }) => status)).toEqual([400, 404, 400, 415]);
  });

  it('notifications of the server have no id', async () => {
    const meta = { progressToken: 'p', 'io.modelcontextprotocol/logLevel': 'debug' };

    const told = (await tellingCalls(era, meta)).filter(({ method }) => method !== undefined);

    expect(told.map(({ method }) => method).sort()).toEqual([
      ...Array(3).fill('notifications/message'),
      ...Array(3).fill('notifications/progress'),
    ]);
    expect(told.filter(message => 'id' in message)).toEqual([]);
  });

  it.each(['token', '', 'ü 🎭', 0, 42])(
    'progress has the token of its request, be it a number or a text',
    async progressToken => {
      const told = (await tellingCalls(era, { progressToken })).filter(
        ({ method }) => method === 'notifications/progress',
      );

      expect(told.map(({ params }) => params.progressToken)).toEqual([progressToken, progressToken, progressToken]);
      expect(told.map(({ params }) => params.progress)).toEqual([0, 50, 100]);
    },
  );

  it.each(['grüße', 'Здравствуйте', '你好', 'مرحبا', '🎭 \u2028 \u0000 "\\', 'e\u0301'])(
    'texts of every script come back as they went, in UTF-8',
    async message => {
      const { json, headers } = await app.ask(era, 'tools/call', echo(message));

      expect(json.result.structuredContent.message).toBe(message);
      expect(headers.get('content-type')).not.toMatch(/charset=(?!utf-8)/i);
    },
  );

  it.each<object>([
    { 'io.modelcontextprotocol/nosuch': { a: 1 }, 'dev.mcp/x': null, 'com.example/y': [1] },
    { 'io.modelcontextprotocol/subscriptionId': 7, 'io.modelcontextprotocol/serverInfo': 'x' },
    {
      'io.modelcontextprotocol/related-task': { taskId: 'nosuch' },
      traceparent: 'nonsense',
      tracestate: 7,
      baggage: {},
    },
    { __proto__: { polluted: 1 }, constructor: 'x', '': 1, 'not a key': 2, '/': 3 },
  ])('keys of _meta that mean nothing here change nothing, whatever they hold', async meta => {
    const { json } = await app.ask(era, 'tools/call', echo('x'), { meta: meta as never });

    expect(json.result.structuredContent).toEqual({ message: 'x', count: 1 });
  });

  it('keys of _meta that the server sends are named as they must be', async () => {
    const answers = await Promise.all([
      app.ask(era, 'tools/list'),
      app.ask(era, 'tools/call', echo('x')),
      app.ask(era, 'tools/call', echo('x'.repeat(10_000))),
      app.ask(era, 'resources/list'),
      app.ask(era, 'resources/read', { uri: 'test://static-text' }),
      app.ask(era, 'prompts/get', { name: 'test_simple_prompt' }),
    ]);

    const keys = answers.flatMap(({ messages }) => metaKeysOf(messages));
    const label = '[a-zA-Z](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
    const name = '(?:[a-zA-Z0-9](?:[a-zA-Z0-9._-]*[a-zA-Z0-9])?)?';
    const valid = new RegExp(`^(?:${label}(?:\\.${label})*/)?${name}$`);
    expect(keys).toContain('callboard/output');
    expect(keys.filter(key => !valid.test(key))).toEqual([]);
    // What MCP has reserved is used for nothing but what it says.
    expect([...new Set(keys.filter(key => /^[^/.]+\.(?:mcp|modelcontextprotocol)[./]/.test(key)))]).toEqual(
      era === '2026-07-28' ? ['io.modelcontextprotocol/serverInfo'] : [],
    );
  });

  it.each([['application/json'], ['text/event-stream'], ['application/json, text/event-stream'], ['*/*']])(
    'a request is answered with JSON or an event stream, for Accept: %s',
    async accept => {
      const { headers, json } = await app.ask(era, 'tools/call', echo('x'), { headers: { Accept: accept } });

      expect(headers.get('content-type')).toMatch(/^(?:application\/json|text\/event-stream)(?:;|$)/);
      expect(json).toBeDefined();
    },
  );

  it.each([
    [{ requestId: 1 }],
    [{ requestId: 'never seen' }],
    [{ requestId: null }],
    [{ requestId: { a: 1 } }],
    [{}],
    [undefined],
    [[1]],
  ])('a cancellation of what is over, unknown or malformed changes nothing: %j', async params => {
    const session = await app.openSession();
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params };
    await session.call('probe.echo', { message: 'x' });

    const { status } = await session.send(cancelled);
    const after = await session.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: echo('after') });
    const { body, headers } = modern('notifications/cancelled', (params ?? {}) as never);
    const { id: _, ...modernCancelled } = body;
    const inModern = await app.send(modernCancelled, { token: TOKENS.ada, headers });
    const afterModern = await app.ask(era, 'tools/call', echo('after'));

    expect([status === 202 || status === 400, inModern.status === 202 || inModern.status === 400]).toEqual([
      true,
      true,
    ]);
    expect([after, afterModern].map(({ json }) => json.result.structuredContent.message)).toEqual(['after', 'after']);
  });
});

/** All that comes with calls of tools that tell something. */
async function tellingCalls(era: (typeof eras)[number], meta: Record<string, string | number>) {
  const tools = ['test_tool_with_progress', 'test_tool_with_logging'];
  if (era === '2026-07-28') {
    const answers = await Promise.all(tools.map(name => app.ask(era, 'tools/call', { name, arguments: {} }, { meta })));
    return answers.flatMap(({ messages }) => messages);
  }
  const session = await app.openSession(everything);
  const streams = await Promise.all(tools.map((name, id) => session.call(name, {}, { id: id + 1, meta })));
  const events = await Promise.all(streams.map(stream => stream.rest()));
  return events.flat().flatMap(({ json }) => json ?? []);
}

function metaKeysOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  return Object.entries(value).flatMap(([key, inner]) => [
    ...(key === '_meta' ? Object.keys(inner as object) : []),
    ...metaKeysOf(inner),
  ]);
}
