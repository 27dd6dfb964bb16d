import type { JsonObject } from '@backstage/types';
import { type Deferred, deferred } from '@callboard/test-utils';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { createScriptPlugin } from '../../testing/scriptPlugin.js';
import { backendOfTwo, modern, startProbe, TOKENS } from '../../testing/startProbe.js';

const accept = (content: JsonObject = {}): JsonObject => ({ action: 'accept', content });
const LATE =
  'InputError: The answer is for no open question of a call of "script:greet": that call has ended, or was answered before. Make the call anew.';

let app: Awaited<ReturnType<typeof startProbe>>;
let script: ReturnType<typeof createScriptPlugin>;
let ended: Deferred<unknown>;
let resumed: Deferred<void>;
let abandoned: Deferred<void>;

beforeEach(async () => {
  ended = deferred<unknown>();
  resumed = deferred();
  abandoned = deferred();
  script = createScriptPlugin(
    {
      async greet({ client, input }) {
        const { who } = await client.ask({
          who: {
            method: 'elicitation/create',
            params: { message: 'Who?', requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } },
          },
        });
        return { greeting: `Hello ${who.content?.name}`, input };
      },
      async introduce({ client }) {
        const { name } = await client.ask({
          name: { method: 'elicitation/create', params: { message: 'Name?', requestedSchema: {} } },
          folders: { method: 'roots/list' },
        });
        const { color } = await client.ask({
          color: { method: 'elicitation/create', params: { message: 'Color?', requestedSchema: {} } },
        });
        return { name: name.content?.name, color: color.content?.color } as never;
      },
      async listen({ client, signal }) {
        signal.addEventListener('abort', () => ended.resolve(signal.reason));
        await client.elicit({ message: 'First?', schema: z.object({}) });
        resumed.resolve();
        await new Promise(resolve => signal.addEventListener('abort', resolve));
        throw signal.reason;
      },
      async abandon({ client }) {
        void client.elicit({ message: 'Anybody?', schema: z.object({}) });
        await abandoned.promise;
        return { done: true };
      },
      write: {
        effect: 'create',
        async action({ client }) {
          const { title } = await client.ask({
            title: { method: 'elicitation/create', params: { message: 'Title?', requestedSchema: {} } },
          });
          return { title: title.content?.title as string };
        },
      },
    },
    async client => {
      const { content } = await client.elicit({ message: 'Who?', schema: z.object({ name: z.string() }) });
      return `It is ${content?.name}`;
    },
  );
  app = await startProbe({
    features: [script.plugin],
    config: {
      backend: { ...backendOfTwo, actions: { pluginSources: ['script'], mode: 'safe' } },
      mcpActions: { servers: { other: { name: 'Other' } } },
    },
  });
});
afterEach(() => app.stop());

interface RequestOptions {
  action?: string;
  args?: JsonObject;
  state?: unknown;
  responses?: unknown;
  capabilities?: JsonObject;
  token?: string;
  path?: string;
  headers?: Record<string, string>;
}

async function request(options: RequestOptions = {}) {
  const { action = 'greet', args = {}, state, responses, token = TOKENS.ada, path = '', headers = {} } = options;
  const { capabilities = { elicitation: {}, roots: {} } } = options;
  const envelope = modern(
    'tools/call',
    {
      name: `script.${action}`,
      arguments: args,
      ...(state !== undefined && { requestState: state as string }),
      ...(responses !== undefined && { inputResponses: responses as JsonObject }),
    },
    { 'io.modelcontextprotocol/clientCapabilities': capabilities },
  );
  const { json, status } = await app.send(envelope.body, { token, path, headers: { ...envelope.headers, ...headers } });
  return { ...json, status };
}

const ask = async (options: RequestOptions = {}) => (await request(options)).result.requestState as string;

it('a question ends the request with the questions and signed state, and the next request brings the result', async () => {
  const first = await request({ args: { place: 'Here' } });
  const second = await request({
    args: { place: 'Here' },
    state: first.result.requestState,
    responses: { who: accept({ name: 'Ada' }) },
  });

  expect(first.result).toEqual({
    resultType: 'input_required',
    requestState: expect.any(String),
    inputRequests: {
      who: {
        method: 'elicitation/create',
        params: { message: 'Who?', requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } },
      },
    },
    _meta: expect.anything(),
  });
  expect(second.result).toMatchObject({
    resultType: 'complete',
    structuredContent: { greeting: 'Hello Ada', input: { place: 'Here' } },
  });
  expect(script.runs).toEqual({ greet: 1 });
  expect(script.recorded).toMatchObject([{ decision: 'allow', outcome: { error: undefined } }]);
});

it('every round has state of its own', async () => {
  const first = await ask({ action: 'introduce' });
  const second = await ask({
    action: 'introduce',
    state: first,
    responses: { name: accept({ name: 'Ada' }), folders: { roots: [] } },
  });
  const third = await request({ action: 'introduce', state: second, responses: { color: accept({ color: 'red' }) } });

  expect(second).not.toBe(first);
  expect(third.result.structuredContent).toEqual({ name: 'Ada', color: 'red' });
  expect(script.runs).toEqual({ introduce: 1 });
});

describe('what is no answer', () => {
  it.each<[string, unknown]>([
    ['none', undefined],
    ['null', null],
    ['nothing in it', {}],
    ['another key', { wrong: accept() }],
    ['a number', { who: 12345 }],
    ['text', { who: 'accept' }],
    ['an unknown action', { who: { action: 'yes' } }],
    ['content that is no form', { who: { action: 'accept', content: { name: { first: 'Ada' } } } }],
    ['an answer of another kind', { who: { roots: [] } }],
    ['an inherited answer', JSON.parse('{"__proto__":{"who":{"action":"accept","content":{"name":"Eve"}}}}')],
  ])('has the same questions asked again, and nothing is lost: %s', async (_, responses) => {
    const state = await ask();

    const again = await request({ state, responses });
    const answered = await request({ state: again.result.requestState, responses: { who: accept({ name: 'Ada' }) } });

    expect(again.result).toMatchObject({ resultType: 'input_required', inputRequests: { who: {} } });
    expect(again.result.requestState).not.toBe(state);
    expect(answered.result.structuredContent.greeting).toBe('Hello Ada');
    expect(script.runs).toEqual({ greet: 1 });
  });

  it('asks for all answers again where one is missing', async () => {
    const state = await ask({ action: 'introduce' });

    const again = await request({ action: 'introduce', state, responses: { name: accept() } });

    expect(Object.keys(again.result.inputRequests)).toEqual(['name', 'folders']);
  });

  it('leaves the state good where the request says that it cannot be asked again', async () => {
    const state = await ask();

    const refused = await request({ state, responses: {}, capabilities: {} });
    const answered = await request({ state, responses: { who: accept({ name: 'Ada' }) } });

    expect(refused).toMatchObject({
      status: 400,
      error: { code: -32021, data: { requiredCapabilities: { elicitation: { form: {} } } } },
    });
    expect(answered.result.structuredContent.greeting).toBe('Hello Ada');
  });
});

it('answers to questions that nobody asked are ignored', async () => {
  const state = await ask();

  const { result } = await request({
    state,
    responses: JSON.parse(
      '{"who":{"action":"accept","content":{"name":"Ada"}},"x":{"action":"accept"},"__proto__":{}}',
    ),
  });

  expect(result.structuredContent.greeting).toBe('Hello Ada');
});

describe('answers without state', () => {
  it('come with a fresh call, which takes them if it asks just that', async () => {
    await ask();

    const { result } = await request({ responses: { who: accept({ name: 'Ada' }), other: accept() } });

    expect(result.structuredContent.greeting).toBe('Hello Ada');
    expect(script.runs).toEqual({ greet: 2 });
  });

  it.each([[{ wrong_key: accept() }], [{ who: 12345 }], [null]])('are none if they do not fit: %j', async responses => {
    const { result } = await request({ responses });

    expect(result).toMatchObject({ resultType: 'input_required', inputRequests: { who: {} } });
  });

  it('are for the first question only', async () => {
    const { result } = await request({
      action: 'introduce',
      responses: { name: accept({ name: 'Ada' }), folders: { roots: [] }, color: accept({ color: 'red' }) },
    });

    expect(Object.keys(result.inputRequests)).toEqual(['color']);
  });

  it('approve nothing', async () => {
    const { result } = await request({ action: 'write', responses: { approval: accept(), title: accept() } });

    expect(Object.keys(result.inputRequests)).toEqual(['approval']);
    expect(script.runs).toEqual({});
  });
});

describe('state', () => {
  const answer = { who: accept({ name: 'Ada' }) };

  it('is good once: of 20 requests at once one gets the result', async () => {
    const state = await ask();

    const answers = await Promise.all(Array.from({ length: 20 }, () => request({ state, responses: answer })));

    expect(answers.filter(({ result }) => result.structuredContent)).toHaveLength(1);
    expect(answers.filter(({ result }) => result.content[0].text === LATE)).toHaveLength(19);
    expect(script.runs).toEqual({ greet: 1 });
    expect(script.recorded.filter(({ decision }) => decision === 'refuse_late_answer')).toHaveLength(19);
  });

  it.each<[string, RequestOptions]>([
    ['other arguments', { args: { place: 'There' } }],
    ['another profile', { headers: { 'Callboard-Profile': 'agent' } }],
  ])('is good for nothing with %s, and stays good for its call', async (_, changed) => {
    const state = await ask();

    const refused = await request({ ...changed, state, responses: answer });
    const taken = await request({ state, responses: answer });

    expect(refused.result).toMatchObject({ isError: true, content: [{ text: LATE }] });
    expect(taken.result.structuredContent.greeting).toBe('Hello Ada');
    expect(script.runs).toEqual({ greet: 1 });
    expect(script.recorded.map(({ decision }) => decision).sort()).toEqual(['allow', 'refuse_late_answer']);
  });

  it('is good for no other tool', async () => {
    const state = await ask();

    const { result } = await request({ action: 'introduce', state, responses: { ...answer, name: accept() } });

    expect(result).toMatchObject({ isError: true, content: [{ text: LATE.replace('greet', 'introduce') }] });
    expect(script.runs).toEqual({ greet: 1 });
  });

  it.each<[string, RequestOptions]>([
    ['another principal', { token: TOKENS.eve }],
    ['another server', { path: '/other' }],
  ])('is forged from %s', async (_, elsewhere) => {
    const state = await ask();

    const { error } = await request({ ...elsewhere, state, responses: answer });

    expect(error).toMatchObject({ code: -32602, message: 'Invalid or expired requestState' });
    expect(script.runs).toEqual({ greet: 1 });
    expect(script.recorded.map(({ decision }) => decision)).toEqual(['allow', 'needs_approval_invalid']);
  });

  it('that was tampered with is forged', async () => {
    const state = await ask();

    const { error } = await request({ state: `${state}-TAMPERED`, responses: answer });

    expect(error).toMatchObject({ code: -32602 });
    expect((await request({ state, responses: answer })).result.isError).toBeUndefined();
  });
});

it('a call needs an approval first, and asks after that, each with state of its own', async () => {
  const approving = await ask({ action: 'write' });
  const asking = await request({ action: 'write', state: approving, responses: { approval: accept() } });
  const again = await request({ action: 'write', state: approving, responses: { approval: accept() } });
  const written = await request({
    action: 'write',
    state: asking.result.requestState,
    responses: { title: accept({ title: 'Tea' }) },
  });

  expect(Object.keys(asking.result.inputRequests)).toEqual(['title']);
  expect(again.result.isError).toBe(true);
  expect(written.result.structuredContent).toEqual({ title: 'Tea' });
  expect(script.runs).toEqual({ write: 1 });
  expect(script.recorded.map(({ decision }) => decision)).toEqual([
    'needs_approval_asked',
    'needs_approval_accepted',
    'needs_approval_invalid',
  ]);
});

it('a call that does not wait for its answer keeps its result for the request that brings one', async () => {
  const state = await ask({ action: 'abandon' });
  abandoned.resolve();

  const { result } = await request({ action: 'abandon', state, responses: { answer: accept() } });

  expect(result.structuredContent).toEqual({ done: true });
});

it.each([[{}], [{ elicitation: { url: {} } }]])(
  'a client that says %j is told which capability is missing',
  async capabilities => {
    const { status, error } = await request({ capabilities });

    expect(status).toBe(400);
    expect(error).toMatchObject({
      code: -32021,
      message: 'The client cannot be asked: it does not support elicitation (form)',
      data: { requiredCapabilities: { elicitation: { form: {} } } },
    });
    expect(script.recorded).toMatchObject([{ outcome: { error: { name: 'ClientCapabilityError' } } }]);
  },
);

it.each<[string, JsonObject, string]>([
  ['prompts/get', { name: 'script.who' }, 'script.who'],
  ['resources/read', { uri: 'script://who' }, 'script://who'],
])('%s asks in the same way', async (method, params, name) => {
  const make = async (more: JsonObject = {}) => {
    const { body, headers } = modern(
      method,
      { ...params, ...more },
      { 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } },
    );
    const answer = await app.send(body, { token: TOKENS.ada, headers: { ...headers, 'Mcp-Name': name } });
    return answer.json.result ?? answer.json.error;
  };

  const asked = await make();
  const answered = { requestState: asked.requestState, inputResponses: { answer: accept({ name: 'Ada' }) } };
  const told = await make(answered);
  const late = await make(answered);

  expect(asked).toMatchObject({ resultType: 'input_required', inputRequests: { answer: {} } });
  expect(JSON.stringify(told)).toContain('It is Ada');
  expect(JSON.stringify(late)).toContain('Make the call anew');
  expect(script.recorded.map(({ decision }) => decision)).toEqual(['allow', 'refuse_late_answer']);
});

it('shutting down aborts what waits, and its outcome is on record', async () => {
  await ask({ action: 'listen' });

  await app.stop();

  expect(await ended.promise).toMatchObject({ name: 'ServiceUnavailableError' });
  expect(script.recorded).toMatchObject([{ outcome: { error: { name: 'ServiceUnavailableError' } } }]);
});

it('leaving the request that has taken a call up aborts the call', async () => {
  const state = await ask({ action: 'listen' });
  const { body, headers } = modern(
    'tools/call',
    {
      name: 'script.listen',
      arguments: {},
      requestState: state,
      inputResponses: { answer: accept() },
    },
    { 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } },
  );
  const leaving = new AbortController();

  const left = fetch(app.url, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${TOKENS.ada}`,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify(body),
    signal: leaving.signal,
  });
  await resumed.promise;
  leaving.abort();

  await expect(left).rejects.toThrow();
  await ended.promise;
});
