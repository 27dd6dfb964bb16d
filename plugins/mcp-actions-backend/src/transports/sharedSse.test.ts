import { describeOnRedis } from '@callboard/test-utils';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createHeldPlugin } from '../testing/heldPlugin.js';
import { openEventStream } from '../testing/openEventStream.js';
import { createScriptPlugin } from '../testing/scriptPlugin.js';
import { initialize, TOKENS } from '../testing/startProbe.js';
import { type Probes, startProbes } from '../testing/startProbes.js';

const form = { type: 'object', properties: {} } as const;

await describeOnRedis('a stream of HTTP+SSE at one of several replicas', () => {
  let shared: Probes;
  let held: ReturnType<typeof createHeldPlugin>[];
  const closers: (() => void)[] = [];
  beforeEach(async () => {
    held = [];
    shared = await startProbes(3, {
      config: { backend: { pluginSources: ['probe', 'held', 'script'] } },
      features: index => {
        held[index] = createHeldPlugin();
        const { plugin } = createScriptPlugin({
          async ask({ client }) {
            const { answer } = await client.ask({
              answer: { method: 'elicitation/create', params: { message: 'Well?', requestedSchema: form } },
            });
            return { answer } as never;
          },
          large: async () => ({ text: 'x'.repeat(300_000) }),
          async many({ client }) {
            for (let progress = 1; progress <= 20; progress += 1) {
              client.log('info', progress);
            }
            return {};
          },
        });
        return [held[index]?.plugin, plugin];
      },
    });
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) {
      close();
    }
    await shared.stop();
  });

  const at = (index: number) => shared.probes[index] as Probes['probes'][number];

  async function open(index = 0) {
    const stream = await openEventStream(`${at(index).url}/sse`, {
      headers: { Authorization: `Bearer ${TOKENS.ada}` },
    });
    closers.push(stream.close);
    const path = new URL((await stream.next())?.data as string, at(index).origin);
    const post = (to: number, body: unknown, token = TOKENS.ada) =>
      at(to).send(body, { path: path.href.slice(path.href.indexOf('/sse')), token });
    return { stream, post };
  }

  async function openInitialized(index = 0, by = 1) {
    const { stream, post } = await open(index);
    await post(by, initialize('2025-11-25', { elicitation: {} }));
    await stream.nextMessage();
    return { stream, post };
  }

  it('gets the answers of all of them', async () => {
    const { stream, post } = await open();

    const accepted = await post(1, initialize('2025-06-18'));
    const initialized = await stream.nextMessage();
    const answers = [];
    for (const index of [2, 0, 1]) {
      await post(index, { jsonrpc: '2.0', id: index, method: 'tools/list' });
      answers.push((await stream.nextMessage()).json);
    }

    expect([accepted.status, initialized.json.result.protocolVersion]).toEqual([202, '2025-06-18']);
    expect(answers.map(({ id, result }) => [id, result.tools.length > 0])).toEqual([
      [2, true],
      [0, true],
      [1, true],
    ]);
  });

  it('does not exist for somebody else, at any of them', async () => {
    const { post } = await openInitialized();

    const foreign = await Promise.all(
      [0, 1, 2].map(index => post(index, { jsonrpc: '2.0', id: 1, method: 'ping' }, TOKENS.eve)),
    );

    expect(foreign.map(({ status }) => status)).toEqual([404, 404, 404]);
  });

  it('carries questions of one to the client, whose answer comes to another', async () => {
    const { stream, post } = await openInitialized();

    await post(1, { jsonrpc: '2.0', id: 'call', method: 'tools/call', params: { name: 'script.ask', arguments: {} } });
    const question = await stream.nextMessage();
    await post(2, { jsonrpc: '2.0', id: question.json.id, result: { action: 'accept', content: { a: 1 } } });
    const { json } = await stream.nextMessage();

    expect(question.json.method).toBe('elicitation/create');
    expect([json.id, json.result.structuredContent.answer.content]).toEqual(['call', { a: 1 }]);
  });

  it('has messages in the order in which they were sent, however long they are', async () => {
    const { stream, post } = await openInitialized();
    const call = (id: string, name: string) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name, arguments: {} },
    });

    await post(1, call('many', 'script.many'));
    const heard: unknown[] = [];
    for (;;) {
      const { json } = await stream.nextMessage();
      if (json.id === 'many') {
        break;
      }
      heard.push(json.params.data);
    }
    await post(2, call('large', 'script.large'));
    const { json } = await stream.nextMessage();

    expect(heard).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(json.result.structuredContent.text).toHaveLength(300_000);
  });

  it('tells of changes that the replica with it finds out, and once', async () => {
    const { stream, post } = await openInitialized();
    await Promise.all([1, 2].map(index => post(index, { jsonrpc: '2.0', method: 'notifications/initialized' })));

    for (const { register } of held) {
      register('late');
    }
    const heard = await stream.nextMessage();
    await post(1, { jsonrpc: '2.0', id: 'after', method: 'ping' });
    const next = await stream.nextMessage();

    expect(heard.json.method).toBe('notifications/tools/list_changed');
    expect(next.json.id).toBe('after');
  });

  it('takes its calls along when it ends, and is unknown to all of them then', async () => {
    const { stream, post } = await openInitialized();
    await post(1, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'held.wait', arguments: {} } });
    const call = await held[1]?.nextCall();

    stream.close();

    await vi.waitFor(() => expect(call?.signal.aborted).toBe(true));
    const after = await Promise.all([0, 1, 2].map(index => post(index, { jsonrpc: '2.0', id: 2, method: 'ping' })));
    expect(after.map(({ status }) => status)).toEqual([404, 404, 404]);
    const closed = shared.probes.flatMap(({ logs }) =>
      logs.filter(
        ({ eventId, status, meta }) =>
          eventId === 'connection' &&
          status === 'succeeded' &&
          (meta as { actionType: string }).actionType === 'closed',
      ),
    );
    expect(closed).toHaveLength(1);
  });

  it('outlasts another one, whose calls are answered: that nobody knows', async () => {
    const { stream, post } = await openInitialized();
    await post(1, { jsonrpc: '2.0', id: 'lost', method: 'tools/call', params: { name: 'held.wait', arguments: {} } });
    await held[1]?.nextCall();

    await at(1).stop();
    const lost = await stream.nextMessage();
    const { status } = await post(2, { jsonrpc: '2.0', id: 'after', method: 'ping' });
    const after = await stream.nextMessage();

    expect([lost.json.id, lost.json.error.code]).toEqual(['lost', -32_603]);
    expect([status, after.json]).toMatchObject([202, { id: 'after', result: {} }]);
  });

  it('is unknown when the replica that had it is gone', async () => {
    const { post } = await openInitialized();
    await post(1, { jsonrpc: '2.0', id: 1, method: 'ping' });
    await at(0).cutOff();

    const after = await Promise.all([1, 2].map(index => post(index, { jsonrpc: '2.0', id: 2, method: 'ping' })));

    expect(after.map(({ status }) => status)).toEqual([404, 404]);
  });
});
