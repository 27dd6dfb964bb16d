import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createHeldPlugin } from '../testing/heldPlugin.js';
import { openEventStream } from '../testing/openEventStream.js';
import { initialize, modern, startProbe } from '../testing/startProbe.js';

const KEEP_ALIVE_MS = 7_000;
let held: ReturnType<typeof createHeldPlugin>;
let app: Awaited<ReturnType<typeof startProbe>>;
let timersOfServer: number;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  held = createHeldPlugin();
  app = await startProbe({
    features: [held.plugin],
    config: {
      backend: { actions: { pluginSources: ['probe', 'held'] } },
      mcpActions: { streams: { keepAliveSeconds: KEEP_ALIVE_MS / 1000 } },
    },
  });
  timersOfServer = vi.getTimerCount();
});
afterEach(() => vi.waitFor(() => expect(vi.getTimerCount()).toBe(timersOfServer)));
afterAll(async () => {
  await app.stop();
  vi.useRealTimers();
});

const call = {
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'held.wait', _meta: { progressToken: 1 } },
};
const modernCall = () => modern('tools/call', { name: 'held.wait' }, { progressToken: 1 });

function post(body: unknown, headers: Record<string, string> = {}) {
  return {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${app.token}`,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify(body),
  };
}

async function openSession(): Promise<Record<string, string>> {
  const { headers } = await app.send(initialize());
  return { 'Mcp-Session-Id': headers.get('mcp-session-id') as string, 'MCP-Protocol-Version': '2025-11-25' };
}

/** Streams that are open and silent, with what they have said so far read. */
const silentStreams: Record<string, () => Promise<Awaited<ReturnType<typeof openEventStream>>>> = {
  'of a session': async () => {
    const { method: _method, body: _body, ...init } = post(undefined, await openSession());
    return openEventStream(app.url, init);
  },
  'of a call in a session': async () => {
    const stream = await openEventStream(app.url, post(call, await openSession()));
    await stream.next();
    await held.nextCall();
    return stream;
  },
  'of HTTP+SSE': async () => {
    const { method: _method, body: _body, ...init } = post(undefined);
    const stream = await openEventStream(`${app.url}/sse`, init);
    await stream.next();
    return stream;
  },
  'of a call without a session': async () => {
    const opening = openEventStream(app.url, post(call));
    (await held.nextCall()).client.reportProgress({ progress: 1 });
    const stream = await opening;
    await stream.next();
    return stream;
  },
  'of a call in the 2026 era': async () => {
    const { body, headers } = modernCall();
    const opening = openEventStream(app.url, post(body, headers));
    (await held.nextCall()).client.reportProgress({ progress: 1 });
    const stream = await opening;
    await stream.next();
    return stream;
  },
  'of subscriptions/listen': async () => {
    const { body, headers } = modern('subscriptions/listen', { notifications: { toolsListChanged: true } });
    const stream = await openEventStream(app.url, post(body, headers));
    await stream.next();
    return stream;
  },
};

describe.each(Object.keys(silentStreams))('a silent stream %s', kind => {
  it('has a comment whenever the configured time has passed', async () => {
    const stream = await (silentStreams[kind] as (typeof silentStreams)[string])();

    vi.advanceTimersByTime(KEEP_ALIVE_MS);
    const first = await stream.next();
    vi.advanceTimersByTime(KEEP_ALIVE_MS);
    const second = await stream.next();
    stream.close();

    expect([first, second]).toEqual(Array(2).fill({ comment: 'keep-alive' }));
  });

  it('costs no timer after its end', async () => {
    const stream = await (silentStreams[kind] as (typeof silentStreams)[string])();
    const whileOpen = vi.getTimerCount();

    stream.close();

    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(timersOfServer));
    expect(whileOpen).toBe(timersOfServer + 1);
  });
});

describe.each([
  ['without a session', () => ({ body: call as object, headers: {} as Record<string, string> })],
  ['in the 2026 era', modernCall],
])('the answer to a call %s', (_era, request) => {
  it('that is long in coming begins as an event stream and comes as an event', async () => {
    const { body, headers } = request();
    const opening = openEventStream(app.url, post(body, headers));
    const { finish } = await held.nextCall();

    vi.advanceTimersByTime(KEEP_ALIVE_MS);
    const stream = await opening;
    const first = await stream.next();
    finish('at last');
    const rest = await stream.rest();

    expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    expect(first).toEqual({ comment: 'keep-alive' });
    expect(rest.map(({ json }) => json)).toMatchObject([{ id: 1, result: { structuredContent: { text: 'at last' } } }]);
  });

  it('that comes in time is JSON', async () => {
    const { body, headers } = request();
    const answering = app.send(body, { headers });
    const { finish } = await held.nextCall();

    vi.advanceTimersByTime(KEEP_ALIVE_MS - 1);
    finish('in time');
    const answer = await answering;

    expect(answer.headers.get('content-type')).toContain('application/json');
    expect(answer.json.result.structuredContent).toEqual({ text: 'in time' });
  });

  it('is JSON however long it takes, for a client that accepts nothing else', async () => {
    const { body, headers } = request();
    const answering = app.send(body, { headers: { ...headers, Accept: 'application/json' } });
    const { finish } = await held.nextCall();

    vi.advanceTimersByTime(KEEP_ALIVE_MS * 10);
    finish('at last');
    const answer = await answering;

    expect(answer.headers.get('content-type')).toContain('application/json');
    expect(answer.json.result.structuredContent).toEqual({ text: 'at last' });
  });

  it('that is long in coming cancels the call when its client leaves', async () => {
    const { body, headers } = request();
    const opening = openEventStream(app.url, post(body, headers));
    const { signal } = await held.nextCall();
    vi.advanceTimersByTime(KEEP_ALIVE_MS);
    const stream = await opening;

    stream.close();

    await vi.waitFor(() => expect(signal.aborted).toBe(true));
  });
});

it('a failure that is long in coming comes as an event, too', async () => {
  const { body, headers } = modern('tools/call', { name: 'held.wait' });
  const opening = openEventStream(app.url, post(body, headers));
  const { fail } = await held.nextCall();

  vi.advanceTimersByTime(KEEP_ALIVE_MS);
  const stream = await opening;
  fail(new Error('secret-internal-detail'));
  const [, answer] = await stream.rest();

  expect(answer?.json).toMatchObject({ id: 1, error: { code: -32603 } });
  expect(answer?.data).not.toContain('secret');
});

it('a batch of which one call is long in coming is answered whole', async () => {
  const echo = {
    jsonrpc: '2.0',
    id: 2,
    method: 'tools/call',
    params: { name: 'probe.echo', arguments: { message: 'a' } },
  };
  const opening = openEventStream(app.url, post([echo, call]));
  const { finish } = await held.nextCall();

  vi.advanceTimersByTime(KEEP_ALIVE_MS);
  const stream = await opening;
  finish('at last');
  const rest = await stream.rest();

  expect(rest.flatMap(({ json }) => json?.id ?? [])).toEqual([2, 1]);
});
