import { Client as V2Client, StreamableHTTPClientTransport as V2Transport } from '@modelcontextprotocol/client';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createHeldPlugin } from '../testing/heldPlugin.js';
import { openEventStream } from '../testing/openEventStream.js';
import { backendOfTwo, initialize, startProbe, TOKENS } from '../testing/startProbe.js';
import { MAX_SENT_BYTES } from './MemorySentEvents.js';

let held: ReturnType<typeof createHeldPlugin>;
let app: Awaited<ReturnType<typeof startProbe>>;
const closers: (() => unknown)[] = [];

async function start(mcpActions: object = {}) {
  held = createHeldPlugin();
  return startProbe({
    features: [held.plugin],
    config: {
      backend: { ...backendOfTwo, actions: { pluginSources: ['probe', 'held'] } },
      mcpActions: mcpActions as never,
    },
  });
}

beforeAll(async () => {
  app = await start();
});
afterAll(() => app.stop());
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) {
    await close();
  }
});

const VERSION = '2025-11-25';

async function openSession(on = app, version = VERSION) {
  const { headers } = await on.send(initialize(version), { token: TOKENS.ada });
  const inSession = { 'Mcp-Session-Id': headers.get('mcp-session-id') as string, 'MCP-Protocol-Version': version };
  const common = {
    Authorization: `Bearer ${TOKENS.ada}`,
    Accept: 'application/json, text/event-stream',
    ...inSession,
  };
  const opened = async (init: RequestInit) => {
    const stream = await openEventStream(on.url, init);
    closers.push(stream.close);
    return stream;
  };
  return {
    inSession,
    call: (name: string, args: object = {}, id: number | string = 1) =>
      opened({
        method: 'POST',
        headers: { ...common, 'Content-Type': 'application/json' },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id,
          method: 'tools/call',
          params: { name, arguments: args, _meta: { progressToken: id } },
        }),
      }),
    listen: (lastEventId?: string) =>
      opened({ headers: { ...common, ...(lastEventId !== undefined && { 'Last-Event-ID': lastEventId }) } }),
    send: (body: unknown) => on.send(body, { token: TOKENS.ada, headers: inSession }),
  };
}

type Session = Awaited<ReturnType<typeof openSession>>;

/** Makes a call, and loses its stream once it has begun. */
async function loseCall(session: Session, id = 1) {
  const stream = await session.call('held.wait', {}, id);
  const begun = await stream.next();
  const call = await held.nextCall();
  stream.close();
  return { call, begun };
}

/** A further exchange, by whose end what was under way has arrived. */
const answered = (session: Session) => session.send({ jsonrpc: '2.0', id: 'ping', method: 'ping' });

describe('a stream that is lost', () => {
  it('begins with an event that only has an id and says when to come back', async () => {
    const session = await openSession();

    const { begun, call } = await loseCall(session);
    call.finish('done');

    expect(begun).toEqual({ id: expect.stringMatching(/^\S+$/), retry: '1000', data: '' });
  });

  it('does not cancel its call, whose answer is fetched with the id of the last event, and ends with it', async () => {
    const session = await openSession();
    const { begun, call } = await loseCall(session);

    const resumed = await session.listen(begun?.id);
    call.finish('done');
    const rest = await resumed.rest();

    expect(call.signal.aborted).toBe(false);
    expect(rest.map(({ json }) => json)).toMatchObject([{ id: 1, result: { structuredContent: { text: 'done' } } }]);
    expect(rest[0]?.id).toBeDefined();
  });

  it('is fetched complete after the call has ended, any number of times, and ends', async () => {
    const session = await openSession();
    const { begun, call } = await loseCall(session);
    call.client.reportProgress({ progress: 1 });
    call.finish('done');
    await answered(session);

    const first = await (await session.listen(begun?.id)).rest();
    const again = await (await session.listen(begun?.id)).rest();
    const fromProgress = await (await session.listen(first[0]?.id)).rest();

    expect(first.map(({ json }) => json.method ?? json.result.structuredContent.text)).toEqual([
      'notifications/progress',
      'done',
    ]);
    expect(again).toEqual(first);
    expect(fromProgress).toEqual(first.slice(1));
    expect((await session.listen(first.at(-1)?.id)).status).toBe(400);
  });

  it('is gone on with alone: nothing of other streams of the session comes with it', async () => {
    const session = await openSession();
    const one = await loseCall(session, 1);
    const other = await loseCall(session, 2);
    other.call.finish('of the other');
    one.call.finish('of the one');
    await answered(session);

    const rest = await (await session.listen(one.begun?.id)).rest();

    expect(rest.map(({ json }) => [json.id, json.result.structuredContent.text])).toEqual([[1, 'of the one']]);
  });

  it('is taken over by a client that comes back before its loss is noticed', async () => {
    const session = await openSession();
    const stream = await session.call('held.wait');
    const begun = await stream.next();
    const call = await held.nextCall();

    const resumed = await session.listen(begun?.id);
    call.finish('done');

    expect((await resumed.rest()).map(({ json }) => json.id)).toEqual([1]);
    expect(await stream.rest()).toEqual([]);
  });

  it('is for the principal that opened the session, and others are on record', async () => {
    const session = await openSession();
    const { begun, call } = await loseCall(session);
    call.finish('secret');
    await answered(session);

    const { status, text } = await app.send(undefined, {
      method: 'GET',
      token: TOKENS.eve,
      headers: { ...session.inSession, 'Last-Event-ID': begun?.id as string },
    });

    expect(status).toBe(404);
    expect(text).not.toContain('secret');
    const refusals = app.logs.filter(({ eventId, status }) => eventId === 'connection' && status === 'failed');
    expect(refusals.at(-1)).toMatchObject({ meta: { actionType: 'refused', status: 404 } });
  });

  it('is not found by an event of another session, even of the same principal', async () => {
    const session = await openSession();
    const another = await openSession();
    const { begun, call } = await loseCall(session);
    call.finish('done');
    await answered(session);

    const resumed = await another.listen(begun?.id);

    expect(resumed.status).toBe(400);
  });

  it('cannot be gone on with from an event that there never was, nor past events that are kept no longer', async () => {
    const session = await openSession();
    const { begun, call } = await loseCall(session);
    call.finish('done');
    await answered(session);
    await (await session.call('probe.echo', { message: 'x'.repeat(MAX_SENT_BYTES * 0.6) }, 'large')).rest();

    const answers = await Promise.all(
      ['made-up', begun?.id as string].map(id =>
        app.send(undefined, {
          method: 'GET',
          token: TOKENS.ada,
          headers: { ...session.inSession, 'Last-Event-ID': id },
        }),
      ),
    );

    expect(answers.map(({ status, json }) => [status, json.error.message])).toEqual(
      Array(2).fill([400, expect.stringContaining('Last-Event-ID names no event of this session')]),
    );
  });

  it('is closed when its call is cancelled, and not gone on with', async () => {
    const session = await openSession();
    const stream = await session.call('held.wait');
    const begun = await stream.next();
    const call = await held.nextCall();

    await session.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });

    expect(await stream.rest()).toEqual([]);
    expect(call.signal.aborted).toBe(true);
    expect((await session.listen(begun?.id)).status).toBe(400);
  });

  it('of notifications is gone on with, too', async () => {
    const session = await openSession();
    const stream = await session.listen();
    held.register('one-more');
    const first = await stream.nextMessage();
    stream.close();
    await answered(session);
    held.register('and-another');

    const resumed = await session.listen(first.id);
    const second = await resumed.nextMessage();

    expect([first, second].map(({ json }) => json.method)).toEqual(Array(2).fill('notifications/tools/list_changed'));
    expect(second.id).not.toBe(first.id);
  });
});

describe('a client that loses the stream of a call', () => {
  /** Breaks off the first stream of a call after its first event. */
  function breakingFetch(): typeof fetch {
    let isBroken = false;
    return async (input, init) => {
      const response = await fetch(input, init);
      if (isBroken || !String(init?.body).includes('tools/call') || !response.body) {
        return response;
      }
      isBroken = true;
      const reader = response.body.getReader();
      const body = new ReadableStream<Uint8Array>({
        async start(controller) {
          const { value } = await reader.read();
          controller.enqueue(value as Uint8Array<ArrayBuffer>);
        },
        async pull(controller) {
          await reader.cancel();
          controller.error(new TypeError('terminated'));
        },
      });
      return new Response(body, { status: response.status, headers: response.headers });
    };
  }
  const init = () => ({ requestInit: { headers: { Authorization: `Bearer ${TOKENS.ada}` } }, fetch: breakingFetch() });

  it.each([
    [
      '1',
      async () => {
        const client = new V1Client({ name: 'test', version: '1' });
        await client.connect(new V1Transport(new URL(app.url), init()) as never);
        return client;
      },
    ],
    [
      '2',
      async () => {
        const client = new V2Client({ name: 'test', version: '1' });
        await client.connect(new V2Transport(new URL(app.url), init()));
        return client;
      },
    ],
  ])('gets the answer all the same, with version %s of the SDK', async (_version, connect) => {
    const client = await connect();
    closers.push(() => client.close());

    const answer = client.callTool({ name: 'held.wait', arguments: {} });
    const call = await held.nextCall();
    await app.send({ jsonrpc: '2.0', id: 1, method: 'ping' }, { token: TOKENS.ada });
    call.finish('done');

    expect(await answer).toMatchObject({ structuredContent: { text: 'done' } });
  });
});

describe('a session', () => {
  it('with a call in flight is not idle, nor for some time after its answer', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    try {
      const patient = await start({ sessions: { idleTimeoutMinutes: 10 } });
      closers.push(patient.stop);
      const session = await openSession(patient);
      const { begun, call } = await loseCall(session);
      await answered(session);
      vi.advanceTimersByTime(60 * 60_000);

      call.finish('done');
      const ended = await vi.waitFor(async () => {
        const events = await (await session.listen(begun?.id)).next();
        expect(events?.json).toBeDefined();
        return events;
      });
      vi.advanceTimersByTime(11 * 60_000);
      const tooLate = await session.listen(begun?.id);

      expect(ended?.json.result.structuredContent).toEqual({ text: 'done' });
      expect(tooLate.status).toBe(404);
    } finally {
      vi.useRealTimers();
    }
  });

  it('that keeps nothing has events without ids, and takes none', async () => {
    const forgetful = await start({ streams: { replayEvents: 0 } });
    closers.push(forgetful.stop);
    const session = await openSession(forgetful);

    const events = await (await session.call('probe.echo', { message: 'hi' })).rest();
    const resumed = await session.listen('1');

    expect(events.map(({ id, json }) => [id, json.id])).toEqual([[undefined, 1]]);
    expect(resumed.status).toBe(400);
  });

  it('of an older revision has ids, but no event without a message, which its clients do not know', async () => {
    const session = await openSession(app, '2025-06-18');

    const events = await (await session.call('probe.echo', { message: 'hi' })).rest();

    expect(events.map(({ id, data }) => [typeof id, data !== ''])).toEqual([['string', true]]);
  });

  it('says when to come back, as configured', async () => {
    const patient = await start({ streams: { retryMilliseconds: 5_000 } });
    closers.push(patient.stop);
    const session = await openSession(patient);

    const begun = await (await session.call('probe.echo', { message: 'hi' })).next();

    expect(begun?.retry).toBe('5000');
  });
});
