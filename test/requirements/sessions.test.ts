import type { JsonObject } from '@backstage/types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScriptPlugin, type Script } from '../../plugins/mcp-actions-backend/src/testing/scriptPlugin.js';
import { initialize, startProbe, TOKENS } from '../../plugins/mcp-actions-backend/src/testing/startProbe.js';
import { everything, request, type SpecServer, startSpecServer } from './testing/startSpecServer.js';

/** What the action `script:ask` does next. */
let next: Script = async () => ({});
const script = createScriptPlugin({ ask: context => next(context) });

let app: SpecServer;
beforeAll(async () => {
  app = await startSpecServer({ features: [script.plugin], pluginSources: ['script'] });
});
afterAll(() => app.stop());

type Session = Awaited<ReturnType<SpecServer['openSession']>>;
type Question = { id: number | string; method: string; params: JsonObject };

/** Makes a call that asks, and answers its questions in turn. @returns the questions, and how the call ended. */
async function answering(session: Session, answers: JsonObject[], id: number) {
  const stream = await session.call('script.ask', {}, { id });
  const questions: Question[] = [];
  for (const result of answers) {
    const { json } = await stream.nextMessage();
    questions.push(json);
    await session.send({ jsonrpc: '2.0', id: json.id, result });
  }
  const { json: end } = await stream.nextMessage();
  return { questions, end };
}

const askTwice: Script = async ({ client }) => {
  const form = { type: 'object', properties: { name: { type: 'string' } } };
  const message = 'Who?';
  await client.ask({ who: { method: 'elicitation/create', params: { message, requestedSchema: form } } });
  await client.ask({ again: { method: 'elicitation/create', params: { message, requestedSchema: form } } });
  return {};
};
const accepted = { action: 'accept', content: { name: 'Ada' } };

describe('the lifecycle', () => {
  it('initialize is answered with version, capabilities, and name of the server', async () => {
    const { opened } = await app.openSession();

    expect(opened.json.result).toEqual({
      protocolVersion: '2025-11-25',
      capabilities: {
        tools: expect.any(Object),
        resources: expect.any(Object),
        prompts: expect.any(Object),
        completions: {},
        logging: {},
      },
      serverInfo: expect.objectContaining({ name: expect.any(String), version: expect.any(String) }),
    });
  });

  it('nothing but initialize opens a session', async () => {
    const others = [
      request(1, 'tools/list'),
      request(1, 'ping'),
      request(1, 'tools/call', { name: 'probe.echo', arguments: { message: 'x' } }),
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      { jsonrpc: '2.0', id: 1, result: {} },
    ];

    const opened = await Promise.all(others.map(body => app.send(body, { token: TOKENS.ada })));
    const named = await Promise.all(
      others.map(body => app.send(body, { token: TOKENS.ada, headers: { 'Mcp-Session-Id': 'mine' } })),
    );
    const taken = await app.send(initialize(), { token: TOKENS.ada, headers: { 'Mcp-Session-Id': 'mine' } });

    expect(opened.map(({ headers }) => headers.get('mcp-session-id'))).toEqual(others.map(() => null));
    expect([...named, taken].map(({ status }) => status)).toEqual(Array(others.length + 1).fill(404));
  });

  it('a ping is answered with an empty result', async () => {
    const session = await app.openSession();

    const { json } = await session.send(request('p', 'ping'));

    expect(json).toEqual({ jsonrpc: '2.0', id: 'p', result: {} });
  });

  it('a request that asks for a task is answered as any other', async () => {
    const session = await app.openSession();
    const params = { name: 'probe.echo', arguments: { message: 'x' }, task: { ttl: 60_000 } };

    const { json } = await session.send(request(1, 'tools/call', params));

    expect(session.opened.json.result.capabilities).not.toHaveProperty('tasks');
    expect(json.result).toMatchObject({ structuredContent: { message: 'x', count: 1 } });
    expect(json.result).not.toHaveProperty('task');
  });
});

describe('requests of the server', () => {
  it('requests of the server have ids that are never null, and never used twice in a session', async () => {
    next = askTwice;
    const session = await app.openSession();

    const calls = [
      await answering(session, [accepted, accepted], 1),
      await answering(session, [accepted, accepted], 2),
    ];

    const ids = calls.flatMap(({ questions }) => questions.map(({ id }) => id));
    expect(calls.map(({ end }) => end.id)).toEqual([1, 2]);
    expect(ids).toHaveLength(4);
    expect(new Set(ids).size).toBe(4);
    expect(ids.filter(id => typeof id !== 'string' && !Number.isInteger(id))).toEqual([]);
  });

  it('requests of the server ask for no progress of their own', async () => {
    next = askTwice;

    const { questions } = await answering(await app.openSession(), [accepted, accepted], 1);

    expect(questions.map(({ params }) => params._meta)).toEqual([undefined, undefined]);
  });

  it('a question has what its mode needs', async () => {
    next = async ({ client }) => {
      await client.elicit({ message: 'Name?', schema: (await import('zod')).object({}) });
      await client.ask({
        page: { method: 'elicitation/create', params: { mode: 'url', message: 'Open it', url: 'https://a.example/x' } },
      });
      return {};
    };

    const { questions } = await answering(
      await app.openSession(),
      [{ action: 'accept', content: {} }, { action: 'accept' }],
      1,
    );

    expect(questions.map(({ method }) => method)).toEqual(['elicitation/create', 'elicitation/create']);
    expect(questions[0]?.params).toMatchObject({ message: 'Name?', requestedSchema: { type: 'object' } });
    expect(['form', undefined]).toContain(questions[0]?.params.mode);
    expect(questions[1]?.params).toEqual({
      mode: 'url',
      message: 'Open it',
      url: 'https://a.example/x',
      elicitationId: expect.stringMatching(/\S/),
    });
  });

  it.each(['', 'no url', '/relative', 'javascript:alert(1)', 'file:///etc/passwd'])(
    'a page is only asked for at a valid address of the web, not at %j',
    async url => {
      next = async ({ client }) => {
        await client.ask({ page: { method: 'elicitation/create', params: { mode: 'url', message: 'Open it', url } } });
        return {};
      };

      const { questions, end } = await answering(await app.openSession(), [], 1);
      const modern = await app.ask(
        '2026-07-28',
        'tools/call',
        { name: 'script.ask', arguments: {} },
        { capabilities: everything },
      );

      expect(questions).toEqual([]);
      expect([end.error?.code, modern.json.error?.code]).toEqual([-32603, -32603]);
    },
  );

  it('questions are cancelled by their own ids, and only while they are open', async () => {
    const message = 'Who?';
    const requestedSchema = { type: 'object', properties: {} };
    const question = { method: 'elicitation/create', params: { message, requestedSchema } } as const;
    next = async ({ client }) => {
      await client.ask({ first: question });
      await client.ask({ one: question, other: question });
      return {};
    };
    const session = await app.openSession();
    const stream = await session.call('script.ask');

    const first = (await stream.nextMessage()).json;
    await session.send({ jsonrpc: '2.0', id: first.id, result: accepted });
    const [one, other] = [(await stream.nextMessage()).json, (await stream.nextMessage()).json];
    await session.send({ jsonrpc: '2.0', id: one.id, error: { code: -32603, message: 'No' } });
    const rest = (await stream.rest()).map(({ json }) => json);

    // The first was answered and the second refused: there is only the third to be cancelled.
    expect(rest.filter(({ method }) => method).map(({ method, params }) => [method, params.requestId])).toEqual([
      ['notifications/cancelled', other.id],
    ]);
    expect(rest.at(-1).id).toBe(1);
  });
});

it('the server itself sends no log messages, so that all there is in them is what a handler has said', async () => {
  next = async ({ client }) => {
    client.log('warning', 'said by the handler');
    throw new Error('secret-internal-detail of /srv/app/index.ts');
  };
  const session = await app.openSession();
  await session.send(request(1, 'logging/setLevel', { level: 'debug' }));

  const ofSession = await (await session.call('script.ask', {}, { id: 2 })).rest();
  const ofRefusal = await (await session.call('probe.echo', { message: 7 }, { id: 3 })).rest();
  const modern = await app.ask(
    '2026-07-28',
    'tools/call',
    { name: 'script.ask', arguments: {} },
    { meta: { 'io.modelcontextprotocol/logLevel': 'debug' } },
  );

  const told = [...ofSession, ...ofRefusal].flatMap(({ json }) => json ?? []);
  const logged = [...told, ...modern.messages].filter(({ method }) => method === 'notifications/message');
  expect(logged.map(({ params }) => params)).toEqual(Array(2).fill({ level: 'warning', data: 'said by the handler' }));
  expect(JSON.stringify([told, modern.messages])).not.toMatch(/secret-internal-detail|\/srv\/|\.ts\b/);
});

it('a server without resources and prompts says so', async () => {
  const bare = await startProbe();

  const { json } = await bare.send(initialize('2025-11-25', everything));

  expect(Object.keys(json.result.capabilities).sort()).not.toContain('prompts');
  await bare.stop();
});
