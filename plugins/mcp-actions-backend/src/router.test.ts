import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initialize, modern, startProbe } from './testing/startProbe.js';

type App = Awaited<ReturnType<typeof startProbe>>;
let app: App;

beforeAll(async () => {
  app = await startProbe({ config: { mcpActions: { maxRequestBodyBytes: 131_072 } } });
});
afterAll(() => app.stop());

const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
const stillAnswers = async () =>
  expect((await app.call('probe.echo', { message: 'alive' })).json.result.structuredContent).toEqual({
    message: 'alive',
    count: 1,
  });

describe('who may come in', () => {
  it('answers 401 with a challenge and a JSON-RPC error to a request without a token', async () => {
    const { status, headers, json } = await app.send(list, { token: null });

    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toBe('Bearer realm="mcp-actions"');
    expect(json).toEqual({
      jsonrpc: '2.0',
      error: { code: -31401, message: 'Send an access token: Authorization: Bearer <token>' },
      id: null,
    });
  });

  it.each(['wrong-token-of-some-length', '.', 'eyJhbGciOiJub25lIn0.e30.'])(
    'answers 401 invalid_token to %s',
    async token => {
      const { status, headers } = await app.send(list, { token });

      expect(status).toBe(401);
      expect(headers.get('www-authenticate')).toContain('error="invalid_token"');
    },
  );

  it.each([
    ['GET', ''],
    ['DELETE', ''],
    ['GET', '/sse'],
    ['POST', '/sse/messages?sessionId=1'],
    ['POST', '/nosuch'],
    ['PUT', ''],
    ['GET', '/nosuch/sse'],
  ])('asks for a token at %s %s', async (method, path) => {
    expect((await app.send(list, { method, path, token: null })).status).toBe(401);
  });

  it('refuses a foreign Origin before it looks at the token, runs nothing and puts it on record', async () => {
    const callsBefore = app.probe.calls.length;

    const { status, json } = await app.call(
      'probe.echo',
      { message: 'x' },
      { headers: { Origin: 'https://evil.example' } },
    );

    expect(status).toBe(403);
    expect(json.error.message).toContain('Origin "https://evil.example" may not call this server');
    expect(app.probe.calls.length).toBe(callsBefore);
    const refusals = auditEvents(app, 'connection').filter(({ status: outcome }) => outcome === 'failed');
    expect(refusals.at(-1)?.meta).toMatchObject({ actionType: 'refused', status: 403 });
  });

  it('refuses a foreign Host', async () => {
    const answer = await postWith(['Host: evil.example']);

    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toContain('mcpActions.allowedHosts');
  });

  it('refuses two Host headers, of which one is good', async () => {
    const answer = await postWith([`Host: localhost:${app.port}`, 'Host: evil.example']);

    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  });

  it('refuses two Origin headers, of which one is good', async () => {
    const answer = await postWith([
      `Host: localhost:${app.port}`,
      `Origin: http://localhost:${app.port}`,
      'Origin: https://evil.example',
    ]);

    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  });

  it('says that there is no such server', async () => {
    const { status, json } = await app.send(list, { path: '/nosuch' });

    expect(status).toBe(404);
    expect(json.error.message).toBe('There is no MCP server "nosuch" here');
  });

  it('says which methods there are', async () => {
    const put = await app.send(list, { method: 'PUT' });
    const get = await app.send(undefined, { method: 'GET' });

    expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, POST, DELETE']);
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
    expect(get.json.error.message).toContain('This is an MCP server: POST JSON-RPC messages here');
  });
});

describe('bodies', () => {
  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    '',
    'application/jsonx',
    'text/json',
    'application/json, text/plain',
  ])('refuses the content type %j', async type => {
    expect((await app.send(list, { headers: { 'Content-Type': type } })).status).toBe(415);
  });

  it.each(['application/json', 'application/json;charset=utf-8', 'Application/JSON; charset="utf-8"'])(
    'takes the content type %s',
    async type => {
      expect((await app.send(list, { headers: { 'Content-Type': type } })).status).toBe(200);
    },
  );

  it('refuses compressed bodies rather than unpack them', async () => {
    expect((await app.send(list, { headers: { 'Content-Encoding': 'gzip' } })).status).toBe(415);
  });

  it.each([
    ['malformed JSON', '{"jsonrpc":'],
    ['an empty body', ''],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22])],
    ['a key that appears twice', '{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}'],
    [
      'a key that appears twice in the arguments',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}',
    ],
    ['an unpaired surrogate', '{"jsonrpc":"2.0","id":1,"method":"\\ud800"}'],
    ['100,000 brackets', '['.repeat(50_000)],
    ['a deep object', `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`],
    ['20,000 keys', `{${Array.from({ length: 10_001 }, (_, i) => `"${i.toString(36)}":0`).join(',')}}`],
  ])('answers -32700 to %s', async (_name, body) => {
    const { status, json } = await app.send(body);

    expect([status, json?.error.code]).toEqual([400, -32700]);
    expect(json.error.message).toMatch(/^Parse error: /);
    await stillAnswers();
  });

  it.each([
    [{}],
    [[]],
    [5],
    ['text'],
    [null],
    [{ jsonrpc: '1.0', id: 1, method: 'ping' }],
    [{ Jsonrpc: '2.0', Id: 1, Method: 'tools/list' }],
    [{ jsonrpc: '2.0', id: null, method: 'tools/list' }],
    [{ jsonrpc: '2.0', id: {}, method: 'tools/list' }],
  ])('answers -32600 to %j, which is no JSON-RPC message', async body => {
    const { status, json } = await app.send(JSON.stringify(body));

    expect([status, json.error.code]).toEqual([400, -32600]);
  });

  it('refuses a body over the limit by its announced length and by its actual one', async () => {
    const tooLarge = JSON.stringify({ ...list, params: { padding: 'x'.repeat(140_000) } });

    const announced = await app.send(tooLarge);
    const chunked = await fetch(app.url, {
      method: 'POST',
      headers: { Authorization: `Bearer ${app.token}`, 'Content-Type': 'application/json' },
      body: new Blob([tooLarge]).stream(),
      duplex: 'half',
    } as RequestInit);

    expect(announced.status).toBe(413);
    expect(announced.json.error.message).toContain('131072 bytes (mcpActions.maxRequestBodyBytes)');
    expect(chunked.status).toBe(413);
    await stillAnswers();
  });

  it('is not held up by a client that goes away in the middle of its body', async () => {
    await new Promise<void>(resolve => {
      const socket = connect(app.port, '127.0.0.1', () => {
        socket.write(
          `POST /api/mcp-actions/v1 HTTP/1.1\r\nHost: localhost:${app.port}\r\nAuthorization: Bearer ${app.token}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"jsonrpc"`,
          () => socket.destroy(),
        );
      });
      socket.once('close', () => resolve());
    });

    await stillAnswers();
  });
});

describe('messages', () => {
  it('answers -32601 to a method that does not exist, in both eras', async () => {
    const { body, headers } = modern('nosuch/method');

    const legacyAnswer = await app.request('nosuch/method');
    const modernAnswer = await app.send(body, { headers });

    expect(legacyAnswer.json.error.code).toBe(-32601);
    expect([modernAnswer.status, modernAnswer.json.error.code]).toEqual([404, -32601]);
  });

  it.each([
    ['another method', { 'Mcp-Method': 'tools/list' }],
    ['another tool', { 'Mcp-Name': 'probe.fail' }],
    ['bad base64', { 'Mcp-Name': '=?base64?%%%?=' }],
    ['another version', { 'MCP-Protocol-Version': '2025-11-25' }],
  ])('answers -32020 when headers name %s than the body', async (_name, wrong) => {
    const { body, headers } = modern('tools/call', { name: 'probe.echo', arguments: { message: 'x' } });
    const callsBefore = app.probe.calls.length;

    const { status, json } = await app.send(body, { headers: { ...headers, ...wrong } });

    expect([status, json.error.code]).toEqual([400, -32020]);
    expect(app.probe.calls.length).toBe(callsBefore);
  });

  it.each(['Mcp-Method', 'Mcp-Name', 'MCP-Protocol-Version'])('answers -32020 when %s is missing', async name => {
    const { body, headers } = modern('tools/call', { name: 'probe.echo', arguments: { message: 'x' } });
    delete headers[name];

    const { status, json } = await app.send(body, { headers });

    expect([status, json.error.code]).toEqual([400, -32020]);
  });

  it('names the supported versions to a client of a version that does not exist', async () => {
    const { body, headers } = modern('tools/list');
    body.params._meta['io.modelcontextprotocol/protocolVersion'] = '2030-01-01';

    const { status, json } = await app.send(body, { headers: { ...headers, 'MCP-Protocol-Version': '2030-01-01' } });
    const legacy = await app.send(list, { headers: { 'MCP-Protocol-Version': '1999-01-01' } });

    expect([status, json.error.code, json.error.data.supported]).toEqual([400, -32022, ['2026-07-28']]);
    expect([legacy.status, legacy.json.error.message]).toEqual([400, expect.stringContaining('2025-11-25')]);
  });

  it('takes a batch from clients of 2025-03-26, the only revision that has them', async () => {
    const batch = [list, { jsonrpc: '2.0', method: 'notifications/initialized' }, { ...list, id: 'two' }];

    const assumed = await app.send(batch);
    const named = await app.send(batch, { headers: { 'MCP-Protocol-Version': '2025-03-26' } });
    const later = await app.send(batch, { headers: { 'MCP-Protocol-Version': '2025-06-18' } });
    const sameIds = await app.send([list, list]);
    const huge = await app.send(Array.from({ length: 51 }, (_, id) => ({ ...list, id })));

    expect(assumed.json.map((answer: { id: unknown }) => answer.id).sort()).toEqual([1, 'two']);
    expect(named.status).toBe(200);
    expect([later.status, later.json.error.code]).toEqual([400, -32600]);
    expect([sameIds.status, sameIds.json.error.message]).toEqual([400, expect.stringContaining('the same id')]);
    expect([huge.status, huge.json.error.message]).toEqual([400, expect.stringContaining('1 to 50 messages, got 51')]);
  });

  it('answers 202 to notifications and responses, which want no answer', async () => {
    expect((await app.send({ jsonrpc: '2.0', method: 'notifications/initialized' })).status).toBe(202);
    expect((await app.send({ jsonrpc: '2.0', id: 1, result: {} })).status).toBe(202);
  });

  it('leaves Object.prototype alone, whatever comes', async () => {
    const before = Object.getOwnPropertyNames(Object.prototype);

    for (const name of ['__proto__', 'constructor', 'toString', 'probe.__proto__', 'probe.constructor']) {
      await app.send(
        `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${name}","arguments":{"__proto__":{"polluted":1}},"__proto__":{"polluted":2}}}`,
      );
    }
    await app.send('{"jsonrpc":"2.0","id":1,"method":"__proto__","params":{"__proto__":{"polluted":3}}}');

    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    await stillAnswers();
  });

  it('gives each of many callers with the same message id its own answer', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const message = `secret of ${index}`;
        const { body, headers } = modern('tools/call', { name: 'probe.echo', arguments: { message } });
        const answer = index % 2 ? await app.call('probe.echo', { message }) : await app.send(body, { headers });
        return answer.json.result.structuredContent.message === message;
      }),
    );

    expect(answers.every(Boolean)).toBe(true);
  });
});

describe('when a client goes away', () => {
  it.each([['2025'], ['2026']])('tells the action in the %s era', async era => {
    const fresh = await startProbe();
    const controller = new AbortController();
    const envelope = modern('tools/call', { name: 'probe.wait', arguments: {} });
    const body =
      era === '2026'
        ? envelope.body
        : { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'probe.wait', arguments: {} } };
    const answer = fetch(fresh.url, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${fresh.token}`,
        'Content-Type': 'application/json',
        ...(era === '2026' && envelope.headers),
      },
      body: JSON.stringify(body),
      signal: controller.signal,
    });
    await waitFor(() => auditEvents(fresh, 'tool-execution').length > 0);

    controller.abort();

    await expect(answer).rejects.toThrow();
    await fresh.probe.aborted;
    await fresh.stop();
  });
});

it('opens sessions for clients that initialize', async () => {
  const { status, headers } = await app.send(initialize());

  expect(status).toBe(200);
  expect(headers.get('mcp-session-id')).toMatch(/^[\w-]{32}$/);
});

function auditEvents({ logs }: App, eventId: string) {
  return logs.filter(entry => entry.isAuditEvent && entry.eventId === eventId) as unknown as {
    status: string;
    meta: Record<string, unknown>;
  }[];
}

async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise(resolve => setImmediate(resolve));
  }
}

/** Posts `{}` with headers that `fetch` would not send. */
function postWith(headers: string[]): Promise<string> {
  return rawRequest(app.port, [
    'POST /api/mcp-actions/v1 HTTP/1.1',
    ...headers,
    `Authorization: Bearer ${app.token}`,
    'Content-Type: application/json',
    'Content-Length: 2',
    'Connection: close',
    '',
    '{}',
  ]);
}

function rawRequest(port: number, lines: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(lines.join('\r\n')));
    socket.on('data', chunk => {
      answer += chunk;
    });
    socket.once('close', () => resolve(answer));
    socket.once('error', reject);
  });
}
