import type { RegisteredResource } from '@callboard/actions-api';
import { describeOnRedis, describeWithRedisServer, startRedis } from '@callboard/test-utils';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createHeldPlugin } from '../testing/heldPlugin.js';
import { createLibraryPlugin } from '../testing/libraryPlugin.js';
import { createScriptPlugin } from '../testing/scriptPlugin.js';
import { TOKENS } from '../testing/startProbe.js';
import { type ProbeSession, type Probes, startProbes } from '../testing/startProbes.js';

const request = (id: number | string, method: string, params: object = {}) => ({ jsonrpc: '2.0', id, method, params });
const notification = (method: string, params: object = {}) => ({ jsonrpc: '2.0', method, params });
const list = request('list', 'tools/list');
const form = { type: 'object', properties: {} } as const;

interface Replica {
  held: ReturnType<typeof createHeldPlugin>;
  library: ReturnType<typeof createLibraryPlugin>;
  /** What calls have said to its scripts. */
  answers: unknown[];
}

function createReplica(): Replica & { features: unknown[] } {
  const held = createHeldPlugin();
  const library = createLibraryPlugin();
  const answers: unknown[] = [];
  const script = createScriptPlugin({
    async ask({ client }) {
      const { answer } = await client.ask({
        answer: { method: 'elicitation/create', params: { message: 'Well?', requestedSchema: form } },
      });
      answers.push(answer);
      return { answer } as never;
    },
    async log({ client }) {
      for (const level of ['debug', 'info', 'error'] as const) {
        client.log(level, level);
      }
      return {};
    },
  });
  return { held, library, answers, features: [held.plugin, script.plugin, ...library.features] };
}

const config = {
  backend: { pluginSources: ['probe', 'held', 'script', 'library'] },
  mcpActions: { servers: { other: { name: 'Other' } }, streams: { retryMilliseconds: 10 } },
};

await describeOnRedis('a session of several replicas', () => {
  let shared: Probes;
  let replicas: (Replica & { features: unknown[] })[];

  beforeAll(async () => {
    replicas = [];
    shared = await startProbes(3, {
      config,
      features: index => {
        replicas[index] = createReplica();
        return (replicas[index] as { features: unknown[] }).features;
      },
    });
  });
  afterAll(() => shared?.stop());
  const at = (index: number) => replicas[index] as Replica;
  const recorded = (actionType: string) =>
    shared.probes.flatMap(({ logs }) =>
      logs.filter(
        ({ eventId, status, meta }) =>
          eventId === 'connection' &&
          status === 'succeeded' &&
          (meta as { actionType: string }).actionType === actionType,
      ),
    );

  /** Makes a call, and loses its stream once it has begun. */
  async function loseCall(session: ProbeSession, index: number, id: number | string = 1) {
    const stream = await session.call(index, 'held.wait', { id });
    const begun = await stream.next();
    const call = await at(index).held.nextCall();
    stream.close();
    return { call, begun };
  }

  it('is served by each of them, in the revision that was settled on', async () => {
    const session = await shared.openSession({ version: '2025-03-26' });

    const listed = [];
    for (const index of [1, 2, 0, 1]) {
      listed.push(await session.send(index, list));
    }
    const batch = await session.send(2, [list]);

    expect(listed.map(({ status, json }) => [status, json.result.tools.length > 0])).toEqual(
      Array(4).fill([200, true]),
    );
    expect(batch.json).toMatchObject({ id: 'list', result: { tools: expect.anything() } });
  });

  it('belongs to its principal and server at each of them, and to nobody else', async () => {
    const session = await shared.openSession();

    const foreign = await session.send(1, list, { token: TOKENS.eve });
    const foreignEnd = await session.send(1, undefined, { method: 'DELETE', token: TOKENS.eve });
    const foreignStream = await session.send(2, undefined, { method: 'GET', token: TOKENS.eve });
    const elsewhere = await session.send(2, list, { path: '/other' });
    const own = await session.send(1, list);

    expect([foreign, foreignEnd, foreignStream, elsewhere].map(({ status }) => status)).toEqual([404, 404, 404, 404]);
    expect(own.status).toBe(200);
  });

  it('ends everywhere when it is ended anywhere, and is on record once', async () => {
    const session = await shared.openSession();
    await Promise.all([0, 1, 2].map(index => session.send(index, list)));
    const stream = await session.listen(1);
    const before = recorded('closed').length;

    const ended = await session.send(2, undefined, { method: 'DELETE' });

    expect(ended.status).toBe(200);
    expect(await stream.rest()).toEqual([]);
    await vi.waitFor(async () => {
      const after = await Promise.all([0, 1, 2].map(index => session.send(index, list)));
      expect(after.map(({ status }) => status)).toEqual([404, 404, 404]);
    });
    expect(recorded('closed').length - before).toBe(1);
  });

  it('has what its client can do at each of them, and answers reach the one that has asked', async () => {
    const session = await shared.openSession({ capabilities: { elicitation: {} } });
    const streams = [
      await session.call(1, 'script.ask', { id: 'one' }),
      await session.call(2, 'script.ask', { id: 'two' }),
    ];
    const questions = await Promise.all(streams.map(stream => stream.nextMessage()));

    for (const [index, { json }] of questions.entries()) {
      const result = { action: 'accept', content: { number: index } };
      expect((await session.send(0, { jsonrpc: '2.0', id: json.id, result })).status).toBe(202);
    }
    const answers = await Promise.all(streams.map(stream => stream.rest()));

    expect(new Set(questions.map(({ json }) => json.id)).size).toBe(2);
    expect(answers.map(events => events.at(-1)?.json.result.structuredContent.answer.content)).toEqual([
      { number: 0 },
      { number: 1 },
    ]);
  });

  it("takes no answer from another session, though it names the request's id", async () => {
    const session = await shared.openSession({ capabilities: { elicitation: {} } });
    const another = await shared.openSession({ capabilities: { elicitation: {} } });
    const stream = await session.call(1, 'script.ask');
    const question = await stream.nextMessage();
    const answer = (content: object) => ({
      jsonrpc: '2.0',
      id: question.json.id,
      result: { action: 'accept', content },
    });

    await another.send(0, answer({ from: 'another' }));
    await another.send(1, answer({ from: 'another' }));
    await session.send(2, answer({ from: 'this' }));

    expect((await stream.rest()).at(-1)?.json.result.structuredContent.answer.content).toEqual({ from: 'this' });
  });

  it('has its calls cancelled from any of them', async () => {
    const session = await shared.openSession();
    const stream = await session.call(0, 'held.wait');
    const call = await at(0).held.nextCall();

    await session.send(1, notification('notifications/cancelled', { requestId: 1 }));

    await stream.rest();
    expect(call.signal.aborted).toBe(true);
  });

  it('has the log level that was set at one of them, at those that serve it and those that come', async () => {
    const session = await shared.openSession();
    await session.send(1, list);
    const levelsAt = async (index: number) =>
      (await (await session.call(index, 'script.log', { id: `log-${index}` })).rest())
        .filter(({ json }) => json?.method === 'notifications/message')
        .map(({ json }) => json.params.level);

    await session.send(0, request('level', 'logging/setLevel', { level: 'error' }));

    expect(await Promise.all([0, 1, 2].map(levelsAt))).toEqual([['error'], ['error'], ['error']]);
  });

  const registerAtAll = (uri: string): RegisteredResource => {
    const [registered] = replicas.map(({ library }) =>
      library.resources.register({
        name: uri.replace('test://', ''),
        title: 'T',
        description: 'D',
        uri,
        read: async () => ({ text: 'x' }),
      }),
    );
    return registered as RegisteredResource;
  };
  const updateOn = async (stream: Awaited<ReturnType<ProbeSession['listen']>>) => {
    for (;;) {
      const event = await stream.nextMessage();
      if (event.json.method === 'notifications/resources/updated') {
        return event;
      }
    }
  };

  it('hears of a resource on the stream that is at one of them, subscribed to at another and changed at a third', async () => {
    const resource = registerAtAll('test://shared');
    const marker = registerAtAll('test://marker');
    const session = await shared.openSession();
    const stream = await session.listen(2);
    for (const uri of ['test://shared', 'test://marker']) {
      await session.send(1, request(uri, 'resources/subscribe', { uri }));
    }

    resource.updated();
    const first = await updateOn(stream);
    await session.send(0, request('unsubscribe', 'resources/unsubscribe', { uri: 'test://shared' }));
    resource.updated();
    marker.updated();
    const second = await updateOn(stream);

    expect([first, second].map(({ json }) => json.params.uri)).toEqual(['test://shared', 'test://marker']);
  });

  it('has one stream of its own: the newest', async () => {
    const marker = registerAtAll('test://newest');
    const session = await shared.openSession();
    await session.send(0, request('subscribe', 'resources/subscribe', { uri: 'test://newest' }));
    const streams = [await session.listen(0), await session.listen(1), await session.listen(1)];
    const last = await session.listen(2);

    marker.updated();
    await updateOn(last);
    const heardBefore = await Promise.all(streams.map(stream => stream.rest()));

    const methods = heardBefore.flat().map(({ json }) => json.method);
    expect(methods).not.toContain('notifications/resources/updated');
  });

  it('goes on with its own stream at another one: what was told while it was lost comes once, and lists that may have changed', async () => {
    const resource = registerAtAll('test://lost-and-found');
    const session = await shared.openSession();
    await session.send(1, request('subscribe', 'resources/subscribe', { uri: 'test://lost-and-found' }));
    const stream = await session.listen(0);
    resource.updated();
    const first = await updateOn(stream);
    stream.close();
    const keptBefore = await keptEvents(session);
    resource.updated();
    await vi.waitFor(async () => expect(await keptEvents(session)).toBeGreaterThan(keptBefore));

    const resumed = await session.listen(1, first.id);
    const heard = [];
    for (let updates = 0; updates < 2; ) {
      const { id, json } = await resumed.nextMessage();
      heard.push({ id, method: json.method });
      if (json.method === 'notifications/resources/updated') {
        updates += 1;
        resource.updated();
      }
    }

    const methods = heard.map(({ method }) => method);
    expect(methods.filter(method => method === 'notifications/resources/updated')).toHaveLength(2);
    expect(methods).toEqual(expect.arrayContaining(['notifications/tools/list_changed']));
    expect(new Set(heard.map(({ id }) => id)).size).toBe(heard.length);
  });

  const keptEvents = async ({ id }: ProbeSession) =>
    Number(await shared.redis.command('LLEN', `${shared.redis.prefix}:mcp-sessions:streamable:events:${id}`));

  describe('with a call whose stream is lost', () => {
    it('goes on with it at another one, from what was missed to the answer', async () => {
      const session = await shared.openSession();
      const { begun, call } = await loseCall(session, 0);
      call.client.reportProgress({ progress: 1 });

      const resumed = await session.listen(1, begun?.id);
      const missed = await resumed.nextMessage();
      call.client.reportProgress({ progress: 2 });
      const live = await resumed.nextMessage();
      call.finish('done');
      const rest = await resumed.rest();

      expect([missed, live].map(({ json }) => json.params.progress)).toEqual([1, 2]);
      expect(rest.map(({ json }) => json.result.structuredContent.text)).toEqual(['done']);
      expect(call.signal.aborted).toBe(false);
    });

    it('goes from one to the next, and each takes over from the one before', async () => {
      const session = await shared.openSession();
      const { begun, call } = await loseCall(session, 0);

      const first = await session.listen(1, begun?.id);
      const second = await session.listen(2, begun?.id);
      const third = await session.listen(0, begun?.id);
      call.finish('done');

      expect(await first.rest()).toEqual([]);
      expect(await second.rest()).toEqual([]);
      expect((await third.rest()).map(({ json }) => json.result.structuredContent.text)).toEqual(['done']);
    });

    it('gets the answer from each of them once the call has ended, however long it is', async () => {
      const session = await shared.openSession();
      const { begun, call } = await loseCall(session, 0);
      const text = 'x'.repeat(400_000);
      const early = await session.listen(2, begun?.id);
      call.finish(text);

      const answers = [await early.rest()];
      for (const index of [1, 2, 0]) {
        answers.push(await (await session.listen(index, begun?.id)).rest());
      }

      expect(answers.map(events => events.map(({ json }) => json.result.structuredContent.text === text))).toEqual(
        Array(4).fill([true]),
      );
      expect((await session.listen(1, answers[0]?.at(-1)?.id)).status).toBe(400);
    });

    it('finds it by no event of another session, at none of them', async () => {
      const session = await shared.openSession();
      const another = await shared.openSession();
      const { begun, call } = await loseCall(session, 0);
      call.finish('secret');

      const resumed = await Promise.all([0, 1].map(index => another.listen(index, begun?.id)));

      expect(resumed.map(({ status }) => status)).toEqual([400, 400]);
    });

    it('is told when it was cancelled meanwhile', async () => {
      const session = await shared.openSession();
      const { begun, call } = await loseCall(session, 0);
      await session.send(1, notification('notifications/cancelled', { requestId: 1 }));
      await vi.waitFor(() => expect(call.signal.aborted).toBe(true));

      expect((await session.listen(1, begun?.id)).status).toBe(400);
    });
  });

  it('of an older revision is gone on with from its first message', async () => {
    const session = await shared.openSession({ version: '2025-06-18' });
    const stream = await session.call(0, 'held.wait');
    const call = await at(0).held.nextCall();
    call.client.reportProgress({ progress: 1 });
    const first = await stream.nextMessage();
    stream.close();

    const resumed = await session.listen(1, first.id);
    call.finish('done');

    expect((await resumed.rest()).map(({ json }) => json.result.structuredContent.text)).toEqual(['done']);
  });
});

await describeOnRedis('a session of a replica that stops', () => {
  let shared: Probes;
  const replicas: (Replica & { features: unknown[] })[] = [];
  const at = (index: number) => replicas[index] as Replica;
  afterEach(() => shared?.stop());

  async function start(count = 2) {
    shared = await startProbes(count, {
      config,
      features: index => {
        replicas[index] = createReplica();
        return (replicas[index] as { features: unknown[] }).features;
      },
    });
  }

  it('goes on at the others, and its stream is ended with when to come back', async () => {
    await start();
    const session = await shared.openSession({ at: 0 });
    const stream = await session.listen(0);

    await shared.probes[0]?.stop();
    const last = await stream.rest();
    const listed = await session.send(1, list);
    const again = await session.listen(1);
    at(1).held.register('after-the-stop');

    expect(last.at(-1)).toEqual({ retry: '10' });
    expect(listed.status).toBe(200);
    expect((await again.nextMessage()).json.method).toMatch(/list_changed$/);
    const logged = shared.probes.flatMap(({ logs }) => logs.filter(({ eventId }) => eventId === 'connection'));
    expect(logged.map(({ meta }) => (meta as { actionType: string }).actionType)).not.toContain('closed');
  });

  it('has an answer to what was being done there: that nobody knows', async () => {
    await start();
    const session = await shared.openSession({ at: 0 });
    const stream = await session.call(0, 'held.wait');
    const begun = await stream.next();
    await at(0).held.nextCall();
    stream.close();

    await shared.probes[0]?.stop();
    const rest = await (await session.listen(1, begun?.id)).rest();

    expect(rest.map(({ json }) => [json.id, json.error.code])).toEqual([[1, -32_603]]);
  });

  it('tells its client, at the next one, of all that may have changed unheard', async () => {
    await start();
    const uri = 'library://rules';
    const session = await shared.openSession({ at: 0 });
    await session.send(0, request('subscribe', 'resources/subscribe', { uri }));
    const stream = await session.listen(0);
    at(0).held.register('before-the-stop');
    const { id } = await stream.nextMessage();

    await shared.probes[0]?.stop();
    const resumed = await session.listen(1, id);
    const heard = new Set<string>();
    while (heard.size < 4) {
      heard.add((await resumed.nextMessage()).json.method);
    }

    expect([...heard].sort()).toEqual([
      'notifications/prompts/list_changed',
      'notifications/resources/list_changed',
      'notifications/resources/updated',
      'notifications/tools/list_changed',
    ]);
  });
});

await describeOnRedis('a session of a replica that is killed', () => {
  let shared: Probes;
  const replicas: (Replica & { features: unknown[] })[] = [];
  const at = (index: number) => replicas[index] as Replica;
  beforeEach(async () => {
    shared = await startProbes(2, {
      config,
      features: index => {
        replicas[index] = createReplica();
        return (replicas[index] as { features: unknown[] }).features;
      },
    });
  });
  afterEach(() => shared.stop());

  it('goes on at another one, which tells its client of all that may have changed', async () => {
    const session = await shared.openSession({ at: 0 });
    const stream = await session.listen(0);
    at(0).held.register('before-the-kill');
    const { id } = await stream.nextMessage();
    await shared.probes[0]?.cutOff();

    const listed = await session.send(1, list);
    const resumed = await session.listen(1, id);

    expect(listed.status).toBe(200);
    expect((await resumed.nextMessage()).json.method).toMatch(/list_changed$/);
  });

  it('has no answer to what was being done there, and its client is told so, however it waits for it', async () => {
    const session = await shared.openSession({ at: 0 });
    const stream = await session.call(0, 'held.wait');
    const begun = await stream.next();
    await at(0).held.nextCall();
    const waiting = await session.listen(1, begun?.id);
    await shared.probes[0]?.cutOff();

    const whileWaiting = await waiting.rest();
    const afterwards = await (await session.listen(1, begun?.id)).rest();

    for (const events of [whileWaiting, afterwards]) {
      expect(events.map(({ json }) => [json.id, json.error.code])).toEqual([[1, -32_603]]);
    }
  });

  it('takes answers to what it has asked, which nobody waits for any more', async () => {
    const session = await shared.openSession({ at: 0, capabilities: { elicitation: {} } });
    const stream = await session.call(0, 'script.ask');
    const question = await stream.nextMessage();
    await shared.probes[0]?.cutOff();

    const { status } = await session.send(1, { jsonrpc: '2.0', id: question.json.id, result: { action: 'decline' } });

    expect(status).toBe(202);
  });
});

describeWithRedisServer('a session, where Redis is away', () => {
  let shared: Probes;
  let redis: Awaited<ReturnType<typeof startRedis>>;
  const replicas: (Replica & { features: unknown[] })[] = [];
  beforeAll(async () => {
    redis = await startRedis();
    shared = await startProbes(2, {
      config,
      redis,
      features: index => {
        replicas[index] = createReplica();
        return (replicas[index] as { features: unknown[] }).features;
      },
    });
  });
  afterAll(() => shared?.stop());

  it('goes on where it is held, is not said to be gone where it is not, and is everywhere again when Redis is back', async () => {
    const session = await shared.openSession({ at: 0 });
    await session.send(0, request('level', 'logging/setLevel', { level: 'error' }));
    await redis.kill();
    const held = await session.send(0, list);
    const elsewhere = await vi.waitFor(async () => {
      const answer = await session.send(1, list);
      expect(answer.status).toBe(503);
      return answer;
    });
    const level = await session.send(0, request('level', 'logging/setLevel', { level: 'debug' }));
    const ended = await session.send(0, undefined, { method: 'DELETE' });

    await redis.start();
    const again = await vi.waitFor(
      async () => {
        const answer = await session.send(1, list);
        expect([200, 503]).toContain(answer.status);
        expect(answer.status).toBe(200);
        return answer;
      },
      { timeout: 15_000, interval: 100 },
    );

    expect(held.status).toBe(200);
    expect(elsewhere.headers.get('retry-after')).toBe('1');
    expect(level.json.error.code).toBe(-31_503);
    expect(ended.status).toBe(503);
    expect(again.json.result.tools.length).toBeGreaterThan(0);
  });
});
