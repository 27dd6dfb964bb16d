import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GivenToken } from '../auth/Authorization.js';
import { authorizedFetch } from '../auth/authorizedFetch.js';
import { createHttpClient } from '../server/httpClient.js';
import type { JsonMessage } from '../testing/cli.js';
import { Bridge } from './Bridge.js';

interface Exchange {
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
  readonly message: JsonMessage;
  readonly res: ServerResponse;
}

/** Decides what the server of a test does; returns `undefined` for what it does not know. */
type Answer = (exchange: Exchange) => unknown;

let server: Server;
let url: URL;
let answer: Answer;
let seen: Exchange[];
let bridge: ReturnType<typeof startBridge>;

beforeEach(async () => {
  seen = [];
  server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) {
      chunks.push(chunk);
    }
    const body = Buffer.concat(chunks).toString();
    const exchange = { method: req.method ?? '', headers: req.headers, message: body ? JSON.parse(body) : {}, res };
    seen.push(exchange);
    await answer(exchange);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
  bridge = startBridge();
});
afterEach(async () => {
  await bridge.stop();
  server.closeAllConnections();
  server.close();
});

function startBridge() {
  const input = new PassThrough();
  const output = new PassThrough();
  const http = createHttpClient();
  const log: string[] = [];
  const messages: JsonMessage[] = [];
  const waiting: { matches: (message: JsonMessage) => boolean; resolve: (message: JsonMessage) => void }[] = [];
  let rest = '';
  output.on('data', chunk => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const message = JSON.parse(line) as JsonMessage;
      messages.push(message);
      for (const entry of waiting.filter(({ matches }) => matches(message))) {
        waiting.splice(waiting.indexOf(entry), 1);
        entry.resolve(message);
      }
    }
  });
  const running = new Bridge({
    url,
    fetch: authorizedFetch(http.fetch, new GivenToken('the-token')),
    headers: { 'Callboard-Agent-Id': 'tester', 'Callboard-Profile': 'readonly' },
    input,
    output,
    note: text => log.push(text),
    patienceMs: 500,
  }).run(new AbortController().signal);
  return {
    messages,
    log,
    output,
    send: (message: object) => void input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`),
    next(matches: (message: JsonMessage) => boolean): Promise<JsonMessage> {
      const earlier = messages.find(matches);
      return earlier ? Promise.resolve(earlier) : new Promise(resolve => waiting.push({ matches, resolve }));
    },
    answerTo(id: number) {
      return this.next(message => message.id === id && message.method === undefined);
    },
    async stop() {
      input.end();
      await running;
      await http.close();
    },
  };
}

function json(res: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) {
  res.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function result({ message, res }: Exchange, value: object, headers: Record<string, string> = {}) {
  json(res, 200, { jsonrpc: '2.0', id: message.id, result: value }, headers);
}

function openStream(res: ServerResponse) {
  res.writeHead(200, { 'Content-Type': 'text/event-stream' });
  return (message: object, id?: string) =>
    res.write(`${id ? `id: ${id}\n` : ''}data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
}

/** A server with sessions, as far as its test needs one; `sessionId` can be taken away. */
function sessionServer(more: Answer = () => undefined) {
  const state = {
    sessionId: 's1',
    version: '2025-11-25',
    listening: undefined as ReturnType<typeof openStream> | undefined,
  };
  answer = async exchange => {
    const { method, message, headers, res } = exchange;
    if (message.method === 'initialize') {
      result(
        exchange,
        { protocolVersion: state.version, capabilities: { tools: { listChanged: true } }, serverInfo: {} },
        { 'Mcp-Session-Id': state.sessionId },
      );
    } else if (headers['mcp-session-id'] !== state.sessionId) {
      json(res, 404, { jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Session not found' } });
    } else if (method === 'GET') {
      state.listening = openStream(res);
    } else if (method === 'DELETE') {
      res.writeHead(200).end();
    } else if (message.id === undefined || message.method === undefined) {
      res.writeHead(202).end();
    } else if ((await more(exchange)) === undefined) {
      result(exchange, { from: state.sessionId });
    }
  };
  return state;
}

const initialize = { id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {} } };
async function open() {
  bridge.send(initialize);
  await bridge.answerTo(0);
  bridge.send({ method: 'notifications/initialized' });
}
const until = (matches: (exchange: Exchange) => boolean) => expect.poll(() => seen.some(matches)).toBe(true);

describe('a session', () => {
  it('carries who is calling, the session and its revision', async () => {
    sessionServer();
    await open();

    bridge.send({ id: 1, method: 'tools/list' });
    await bridge.answerTo(1);

    expect(seen.at(-1)?.headers).toMatchObject({
      authorization: 'Bearer the-token',
      'callboard-agent-id': 'tester',
      'callboard-profile': 'readonly',
      'mcp-session-id': 's1',
      'mcp-protocol-version': '2025-11-25',
    });
    expect(seen[0]?.headers).not.toHaveProperty('mcp-session-id');
  });

  it('is opened again where the server has lost it, with what was said to last', async () => {
    const state = sessionServer();
    await open();
    bridge.send({ id: 1, method: 'logging/setLevel', params: { level: 'debug' } });
    bridge.send({ id: 2, method: 'resources/subscribe', params: { uri: 'a:1' } });
    bridge.send({ id: 3, method: 'resources/subscribe', params: { uri: 'a:2' } });
    await Promise.all([1, 2, 3].map(id => bridge.answerTo(id)));
    bridge.send({ id: 4, method: 'resources/unsubscribe', params: { uri: 'a:1' } });
    await bridge.answerTo(4);
    state.sessionId = 's2';
    const before = seen.length;

    bridge.send({ id: 5, method: 'tools/list' });
    bridge.send({ id: 6, method: 'tools/list' });

    expect((await bridge.answerTo(5)).result).toEqual({ from: 's2' });
    expect((await bridge.answerTo(6)).result).toEqual({ from: 's2' });
    const again = seen.slice(before).filter(({ headers }) => headers['mcp-session-id'] !== 's1');
    expect(again.map(({ message }) => message.method ?? 'GET')).toEqual(
      expect.arrayContaining([
        'initialize',
        'notifications/initialized',
        'GET',
        'logging/setLevel',
        'resources/subscribe',
      ]),
    );
    expect(again.filter(({ message }) => message.method === 'initialize')).toHaveLength(1);
    expect(
      again.filter(({ message }) => message.params?.uri !== undefined).map(({ message }) => message.params),
    ).toEqual([{ uri: 'a:2' }]);
    expect(bridge.messages.filter(({ method }) => method === 'notifications/tools/list_changed')).toHaveLength(1);
    expect(bridge.messages.some(({ id }) => String(id).startsWith('callboard'))).toBe(false);
  });

  it('is not opened again in another revision than the client knows', async () => {
    const state = sessionServer();
    await open();
    state.sessionId = 's2';
    state.version = '2024-11-05';

    bridge.send({ id: 1, method: 'tools/list' });

    expect((await bridge.answerTo(1)).error?.message).toContain('restart the client');
  });

  it('carries questions of the server to the client, and the answers back', async () => {
    const state = sessionServer();
    await open();
    await until(({ method }) => method === 'GET');

    state.listening?.({ id: 77, method: 'elicitation/create', params: { message: 'Sure?' } });
    await bridge.next(({ method }) => method === 'elicitation/create');
    bridge.send({ id: 77, result: { action: 'accept' } });

    await until(({ message }) => message.id === 77 && message.result?.action === 'accept');
  });

  it('carries a page that the server wants opened, and that it has been', async () => {
    const state = sessionServer();
    await open();
    await until(({ method }) => method === 'GET');
    const params = { mode: 'url', elicitationId: 'e-1', message: 'Sign in', url: 'https://board.example/e-1' };

    state.listening?.({ id: 5, method: 'elicitation/create', params });
    const question = await bridge.next(({ method }) => method === 'elicitation/create');
    bridge.send({ id: 5, result: { action: 'accept' } });
    await until(({ message }) => message.id === 5 && message.method === undefined);
    state.listening?.({ method: 'notifications/elicitation/complete', params: { elicitationId: 'e-1' } });
    const complete = await bridge.next(({ method }) => method === 'notifications/elicitation/complete');

    expect(question.params).toEqual(params);
    expect(complete.params).toEqual({ elicitationId: 'e-1' });
  });

  it('withdraws questions of a lost session, and does not answer another one with what belonged to it', async () => {
    const state = sessionServer();
    await open();
    await until(({ method }) => method === 'GET');
    state.listening?.({ id: 77, method: 'elicitation/create', params: { message: 'Sure?' } });
    await bridge.next(({ method }) => method === 'elicitation/create');
    state.sessionId = 's2';

    bridge.send({ id: 1, method: 'tools/list' });
    await bridge.answerTo(1);
    bridge.send({ id: 77, result: { action: 'accept' } });
    bridge.send({ id: 2, method: 'tools/list' });
    await bridge.answerTo(2);

    expect(bridge.messages.find(({ method }) => method === 'notifications/cancelled')?.params).toMatchObject({
      requestId: 77,
    });
    expect(seen.some(({ message }) => message.id === 77)).toBe(false);
  });

  it('goes on with an answer whose stream breaks', async () => {
    sessionServer(({ message, res }) => {
      if (message.method === 'tools/call') {
        const write = openStream(res);
        write({ method: 'notifications/progress', params: { progress: 1 } }, 'e1');
        setImmediate(() => res.destroy());
        return true;
      }
      return undefined;
    });
    await open();
    const plain = answer;
    answer = exchange => {
      if (exchange.headers['last-event-id'] !== 'e1') {
        return plain(exchange);
      }
      openStream(exchange.res)({ id: 1, result: { resumed: true } }, 'e2');
      return undefined;
    };

    bridge.send({ id: 1, method: 'tools/call', params: { name: 'x' } });

    expect((await bridge.answerTo(1)).result).toEqual({ resumed: true });
    expect(seen.filter(({ message }) => message.method === 'tools/call')).toHaveLength(1);
  });

  it('comes back for an answer as often as the server wants', async () => {
    const polls = 12;
    sessionServer(({ message, res }) => {
      if (message.method === 'tools/call') {
        res.writeHead(200, { 'Content-Type': 'text/event-stream' }).end(': alive\n\nid: e0\nretry: 10\ndata:\n\n');
        return true;
      }
      return undefined;
    });
    await open();
    const plain = answer;
    answer = exchange => {
      const last = /^e(\d+)$/.exec(String(exchange.headers['last-event-id']))?.[1];
      if (last === undefined) {
        return plain(exchange);
      }
      const next = Number(last) + 1;
      const write = openStream(exchange.res);
      if (next === polls) {
        write({ id: 1, result: { afterPolls: next } }, `e${next}`);
      } else {
        exchange.res.end(`id: e${next}\nretry: 10\ndata:\n\n`);
      }
      return undefined;
    };

    bridge.send({ id: 1, method: 'tools/call', params: { name: 'x' } });

    expect((await bridge.answerTo(1)).result).toEqual({ afterPolls: polls });
    expect(bridge.messages.filter(({ id }) => id === 1)).toHaveLength(1);
  });

  it.each([404, 400, 405])('ends a call that cannot be resumed (%i) as one that may have run', async status => {
    sessionServer(({ message, res }) => {
      if (message.method === 'tools/call') {
        openStream(res)({ method: 'notifications/progress', params: { progress: 1 } }, 'e1');
        setImmediate(() => res.destroy());
        return true;
      }
      return undefined;
    });
    await open();
    const plain = answer;
    answer = exchange =>
      exchange.headers['last-event-id'] === 'e1' ? void exchange.res.writeHead(status).end() : plain(exchange);

    bridge.send({ id: 1, method: 'tools/call', params: { name: 'x' } });

    const { error } = await bridge.answerTo(1);
    expect(error?.message).toContain('The server may have carried out the request');
    expect(error?.message).toContain(`HTTP ${status}`);
  });

  it('goes on with what the server says first from the last event', async () => {
    const state = sessionServer();
    await open();
    await until(({ method }) => method === 'GET');
    state.listening?.({ method: 'notifications/resources/updated', params: { uri: 'a:1' } }, 'g7');
    await bridge.next(({ method }) => method === 'notifications/resources/updated');

    seen.find(({ method }) => method === 'GET')?.res.destroy();
    await until(({ method, headers }) => method === 'GET' && headers['last-event-id'] === 'g7');
    await expect.poll(() => seen.filter(({ method }) => method === 'GET').length).toBe(2);
    state.listening?.({ method: 'notifications/prompts/list_changed' }, 'g8');

    await bridge.next(({ method }) => method === 'notifications/prompts/list_changed');
  });

  it('ends a call whose answer is lost, and does not make it again', async () => {
    sessionServer(({ message, res }) => (message.method === 'tools/call' ? res.destroy() : undefined));
    await open();

    bridge.send({ id: 1, method: 'tools/call', params: { name: 'x' } });

    expect((await bridge.answerTo(1)).error).toMatchObject({
      code: -32603,
      message: expect.stringContaining('may have carried out'),
    });
    expect(seen.filter(({ message }) => message.method === 'tools/call')).toHaveLength(1);
  });

  it('asks again for what can be asked twice', async () => {
    let times = 0;
    sessionServer(({ message, res }) => (message.method === 'tools/list' && times++ === 0 ? res.destroy() : undefined));
    await open();

    bridge.send({ id: 1, method: 'tools/list' });

    expect((await bridge.answerTo(1)).result).toEqual({ from: 's1' });
  });

  it('is ended by the bridge', async () => {
    sessionServer();
    await open();
    await until(({ method }) => method === 'GET');

    await bridge.stop();

    expect(seen.at(-1)).toMatchObject({ method: 'DELETE', headers: { 'mcp-session-id': 's1' } });
  });
});

describe('the older transport', () => {
  function sseServer(endpoint: (res: ServerResponse) => string) {
    let stream: ReturnType<typeof openStream> | undefined;
    answer = exchange => {
      const { method, message, res } = exchange;
      if (method === 'GET') {
        stream = openStream(res);
        res.write(`event: endpoint\ndata: ${endpoint(res)}\n\n`);
      } else if (seen.length === 1) {
        res.writeHead(405).end();
      } else {
        res.writeHead(202).end();
        if (message.id !== undefined) {
          stream?.({ id: message.id, result: { protocolVersion: '2024-11-05' } });
        }
      }
    };
  }

  it('is used where the server knows no other', async () => {
    sseServer(() => '/messages?sessionId=1');

    await open();

    expect(seen.map(({ method }) => method).slice(0, 3)).toEqual(['POST', 'GET', 'POST']);
  });

  it('is not followed to another origin', async () => {
    sseServer(() => 'http://attacker.example/messages');
    bridge.send(initialize);

    expect((await bridge.answerTo(0)).error).toBeDefined();
    expect(seen).toHaveLength(2);
  });
});

describe('a request of the 2026 era', () => {
  const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
  const call = (id: number, name: string, args: object = {}) => ({
    id,
    method: 'tools/call',
    params: { name, arguments: args, _meta: meta },
  });

  it('has the headers that repeat it', async () => {
    answer = exchange => result(exchange, {});

    bridge.send(call(1, 'todo.list'));
    bridge.send(call(2, 'zürich'));
    bridge.send({ id: 3, method: 'resources/read', params: { uri: 'a:b', _meta: meta } });
    await Promise.all([1, 2, 3].map(id => bridge.answerTo(id)));

    const names = Object.fromEntries(seen.map(({ message, headers }) => [message.id, headers['mcp-name']]));
    expect(names).toEqual({ 1: 'todo.list', 2: `=?base64?${Buffer.from('zürich').toString('base64')}?=`, 3: 'a:b' });
    expect(seen[0]?.headers).toMatchObject({ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call' });
    expect(seen[0]?.headers).not.toHaveProperty('mcp-session-id');
  });

  it('repeats arguments in headers where the tool wants it, also for a client that has not asked', async () => {
    answer = exchange => {
      const { message, headers, res } = exchange;
      if (message.method === 'tools/list') {
        const properties = { region: { type: 'string', 'x-mcp-header': 'Region' }, other: { type: 'string' } };
        return result(exchange, { tools: [{ name: 'x', inputSchema: { type: 'object', properties } }] });
      }
      return headers['mcp-param-region'] === 'eu'
        ? result(exchange, { done: true })
        : json(res, 400, { jsonrpc: '2.0', id: message.id, error: { code: -32020, message: 'Header mismatch' } });
    };

    bridge.send(call(1, 'x', { region: 'eu', other: 'a' }));

    expect((await bridge.answerTo(1)).result).toEqual({ done: true });
    expect(bridge.messages).toHaveLength(1);
  });

  it('is answered with what the server says, under its own id', async () => {
    answer = ({ res }) =>
      json(res, 400, { jsonrpc: '2.0', id: null, error: { code: -32022, message: 'No', data: { supported: ['x'] } } });

    bridge.send(call(1, 'x'));

    expect(await bridge.answerTo(1)).toMatchObject({ id: 1, error: { code: -32022, data: { supported: ['x'] } } });
  });

  it('is hung up on when it is cancelled', async () => {
    let closed: Promise<unknown> | undefined;
    answer = ({ res }) => {
      closed = once(res, 'close');
      openStream(res)({ method: 'notifications/progress', params: { progress: 1 } });
    };
    bridge.send(call(1, 'x'));
    await bridge.next(({ method }) => method === 'notifications/progress');

    bridge.send({ method: 'notifications/cancelled', params: { requestId: 1 } });

    await closed;
    expect(bridge.messages.some(({ id }) => id === 1)).toBe(false);
  });

  const listen = {
    id: 9,
    method: 'subscriptions/listen',
    params: { notifications: { toolsListChanged: true, resourceSubscriptions: ['a:1'] }, _meta: meta },
  };
  const ofSubscription = { _meta: { 'io.modelcontextprotocol/subscriptionId': 9 } };

  it('listens for as long as the client does, past comments that keep it alive', async () => {
    let closed: Promise<unknown> | undefined;
    answer = ({ message, res }) => {
      closed = once(res, 'close');
      const write = openStream(res);
      const { notifications } = message.params as { notifications: object };
      write({ method: 'notifications/subscriptions/acknowledged', params: { notifications, ...ofSubscription } });
      res.write(': keep-alive\n\n');
      write({ method: 'notifications/tools/list_changed', params: ofSubscription });
    };

    bridge.send(listen);
    await bridge.next(({ method }) => method === 'notifications/tools/list_changed');
    bridge.send({ method: 'notifications/cancelled', params: { requestId: 9 } });
    await closed;

    expect(bridge.messages.map(({ method, params }) => [method, params?._meta])).toEqual([
      ['notifications/subscriptions/acknowledged', ofSubscription._meta],
      ['notifications/tools/list_changed', ofSubscription._meta],
    ]);
  });

  it('listens again when the connection is lost, and tells of what may have changed', async () => {
    answer = ({ message, res }) => {
      const write = openStream(res);
      const { notifications } = message.params as { notifications: object };
      write({ method: 'notifications/subscriptions/acknowledged', params: { notifications, ...ofSubscription } });
    };

    bridge.send(listen);
    await bridge.next(({ method }) => method === 'notifications/subscriptions/acknowledged');
    seen[0]?.res.destroy();
    await bridge.next(({ method }) => method === 'notifications/resources/updated');

    expect(seen.map(({ message }) => message.id)).toEqual([9, 9]);
    expect(bridge.messages.map(({ method, params }) => [method, params?.uri])).toEqual([
      ['notifications/subscriptions/acknowledged', undefined],
      ['notifications/tools/list_changed', undefined],
      ['notifications/resources/updated', 'a:1'],
    ]);
    expect(bridge.messages.every(({ params }) => params?._meta)).toBe(true);
  });

  it('is told when the server ends a subscription', async () => {
    answer = ({ message, res }) => {
      const write = openStream(res);
      write({ method: 'notifications/subscriptions/acknowledged', params: { notifications: {}, ...ofSubscription } });
      write({ id: message.id, result: { resultType: 'complete', ...ofSubscription } });
    };

    bridge.send(listen);

    expect((await bridge.answerTo(9)).result).toEqual({ resultType: 'complete', ...ofSubscription });
    expect(seen).toHaveLength(1);
  });

  it('carries what a call needs, and the answers in the next attempt, as they are', async () => {
    const question = {
      mode: 'url',
      message: 'Enter the key on this page',
      url: 'https://board.example/secrets/1',
    };
    const inputRequired = {
      resultType: 'input_required',
      inputRequests: { key: { method: 'elicitation/create', params: question } },
      requestState: 'a.b=',
    };
    answer = exchange =>
      result(exchange, exchange.message.params?.inputResponses ? { resultType: 'complete' } : inputRequired);
    const retry = {
      ...call(2, 'x'),
      params: { ...call(2, 'x').params, inputResponses: { key: { action: 'accept' } }, requestState: 'a.b=' },
    };

    bridge.send(call(1, 'x'));
    const asked = await bridge.answerTo(1);
    bridge.send(retry);
    const answered = await bridge.answerTo(2);

    expect(asked.result).toEqual(inputRequired);
    expect(answered.result).toEqual({ resultType: 'complete' });
    expect(seen[1]?.message.params).toEqual(retry.params);
  });

  it('is refused when there are too many', async () => {
    answer = ({ message, res }) => message.id === 500 || void res;

    for (let id = 0; id <= 500; id += 1) {
      bridge.send(call(id, 'x'));
    }

    expect((await bridge.answerTo(500)).error).toMatchObject({
      code: -32600,
      message: expect.stringContaining('at most 500 requests'),
    });
  });

  it.each<[string, (res: ServerResponse) => void, RegExp]>([
    [
      'a page',
      res => void res.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>'),
      /is this the URL of an MCP server/,
    ],
    ['broken JSON', res => void res.writeHead(200, { 'Content-Type': 'application/json' }).end('{'), /is not JSON/],
    ['nothing', res => void res.writeHead(200).end(), /ended before the answer/],
    [
      'a redirect',
      res => void res.writeHead(307, { Location: 'http://attacker.example/' }).end(),
      /give that URL instead/,
    ],
    ['401', res => void res.writeHead(401).end(), /does not accept the token \(HTTP 401\)/],
    ['503', res => void res.writeHead(503).end('later'), /HTTP 503\): later/],
  ])('is answered with an error where the server answers with %s', async (_what, respond, problem) => {
    answer = ({ res }) => respond(res);

    bridge.send(call(1, 'x'));

    const { error } = await bridge.answerTo(1);
    expect(error?.message).toMatch(problem);
    expect(JSON.stringify(error) + bridge.log).not.toContain('the-token');
  });
});
