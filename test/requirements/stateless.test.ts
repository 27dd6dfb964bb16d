import type { JsonObject } from '@backstage/types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { offersPlugin } from '../../plugins/mcp-actions-backend/src/testing/offersPlugin.js';
import { modern, TOKENS } from '../../plugins/mcp-actions-backend/src/testing/startProbe.js';
import { everything, type SpecServer, startSpecServer } from './testing/startSpecServer.js';

const VERSION = '2026-07-28';
const PREFIX = 'io.modelcontextprotocol/';
const CAPABILITIES = `${PREFIX}clientCapabilities`;
const elicit = { name: 'test_elicitation', arguments: { message: 'Who?' } };
const echo = { name: 'probe.echo', arguments: { message: 'x' } };

let app: SpecServer;
beforeAll(async () => {
  app = await startSpecServer({ mcpActions: { pageSize: 2 } });
});
afterAll(() => app.stop());

type Options = Parameters<SpecServer['ask']>[3];
const ask = (method: string, params: JsonObject = {}, options: Options = {}) =>
  app.ask(VERSION, method, params, options);

describe('results', () => {
  it('every result says of which type it is, complete or input_required', async () => {
    const results = [
      await ask('server/discover'),
      await ask('tools/list'),
      await ask('resources/list'),
      await ask('resources/templates/list'),
      await ask('resources/read', { uri: 'test://static-text' }),
      await ask('prompts/list'),
      await ask('prompts/get', { name: 'test_simple_prompt' }),
      await ask('completion/complete', {
        ref: { type: 'ref/prompt', name: 'test_prompt_with_arguments' },
        argument: { name: 'arg1', value: 'pa' },
      }),
      await ask('tools/call', echo),
      await ask('tools/call', { name: 'probe.fail', arguments: { with: 'ConflictError' } }),
      await ask('tools/call', elicit, { capabilities: everything }),
    ];

    expect(results.map(({ json }) => json.result.resultType)).toEqual([
      ...Array(10).fill('complete'),
      'input_required',
    ]);
  });

  it('server/discover tells versions, capabilities, and for how long that is good', async () => {
    const { json } = await ask('server/discover');

    expect(json.result).toMatchObject({
      resultType: 'complete',
      supportedVersions: [VERSION],
      capabilities: {
        tools: expect.any(Object),
        resources: expect.any(Object),
        prompts: expect.any(Object),
        completions: {},
        logging: {},
      },
      ttlMs: expect.any(Number),
      cacheScope: expect.stringMatching(/^(?:public|private)$/),
      _meta: { [`${PREFIX}serverInfo`]: { name: expect.any(String), version: expect.any(String) } },
    });
  });

  it('what may be cached says for how long and for whom, alike on all pages', async () => {
    const hintsOf = async (method: string, params: JsonObject = {}) => {
      const { json } = await ask(method, params);
      const { ttlMs, cacheScope, nextCursor } = json.result;
      return { ttlMs, cacheScope, nextCursor };
    };
    const lists = ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list'];

    const hints = await Promise.all([
      hintsOf('server/discover'),
      hintsOf('resources/read', { uri: 'test://static-text' }),
    ]);
    const pages = await Promise.all(
      lists.map(async method => {
        const ofList = [await hintsOf(method)];
        for (let cursor = ofList[0]?.nextCursor; cursor !== undefined; cursor = ofList.at(-1)?.nextCursor) {
          ofList.push(await hintsOf(method, { cursor }));
        }
        return ofList;
      }),
    );

    expect(pages.map(({ length }) => length > 1)).toEqual([true, true, false, true]);
    for (const { ttlMs, cacheScope } of [...hints, ...pages.flat()]) {
      expect(Number.isInteger(ttlMs) && ttlMs >= 0).toBe(true);
      // What there is depends on who asks: none of it may be shown to others.
      expect(cacheScope).toBe('private');
    }
  });

  it('lists are the same on every connection, whatever was called before', async () => {
    const methods = ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list'];
    const all = () => Promise.all(methods.map(async method => (await ask(method)).json.result));

    const before = await all();
    await ask('tools/call', echo);
    await ask('resources/read', { uri: 'test://static-text' });
    await ask('prompts/get', { name: 'test_simple_prompt' });
    await ask('tools/call', elicit, { capabilities: everything });
    const after = await all();

    expect(after).toEqual(before);
  });
});

describe('errors', () => {
  it('codes of errors are those of JSON-RPC and of the revision, or outside of their ranges', async () => {
    const { body, headers } = modern('tools/call', echo);
    const send = (changes: object, changedHeaders: object = {}) =>
      app.send({ ...body, ...changes }, { token: TOKENS.ada, headers: { ...headers, ...changedHeaders } });
    const withMeta = (meta: JsonObject) => send({ params: { ...body.params, _meta: meta } });

    const refusals = await Promise.all([
      send({}, { 'Mcp-Name': 'other' }),
      send({}, { 'Content-Type': 'text/plain' }),
      send({}, { Origin: 'https://evil.example' }),
      send({}, { 'Callboard-Profile': 'nosuch' }),
      send({ jsonrpc: '1.0' }),
      send({ id: null }),
      app.send('{', { token: TOKENS.ada, headers }),
      app.send([body], { token: TOKENS.ada, headers }),
      app.send(body, { token: null, headers }),
      app.send(body, { token: TOKENS.ada, headers, path: '/nosuch' }),
      withMeta({}),
      send(
        { params: { ...body.params, _meta: { [`${PREFIX}protocolVersion`]: '2030-01-01', [CAPABILITIES]: {} } } },
        { 'MCP-Protocol-Version': '2030-01-01' },
      ),
      ask('nosuch/method'),
      ask('initialize'),
      ask('ping'),
      ask('logging/setLevel', { level: 'debug' }),
      ask('resources/subscribe', { uri: 'test://static-text' }),
      ask('tools/call', {}),
      ask('tools/call', { name: 'nosuch' }),
      ask('tools/call', elicit),
      ask('tools/call', { name: 'probe.fail', arguments: { with: 'Error' } }),
      ask('tools/list', { cursor: 'nonsense' }),
      ask('resources/read', { uri: 'test://nosuch' }),
      ask('resources/read', { uri: 'no uri' }),
      ask('prompts/get', { name: 'nosuch' }),
      ask('prompts/get', { name: 'test_prompt_with_arguments' }),
      ask('prompts/get', { name: 'test_input_required_result_prompt' }),
      ask('completion/complete', { ref: { type: 'ref/prompt', name: 'nosuch' }, argument: { name: 'a', value: '' } }),
      ask('subscriptions/listen', { notifications: 5 }),
    ]);

    const codes = refusals.map(({ json, text }) => json?.error?.code ?? text);
    const reserved = codes.filter(code => !(Number.isInteger(code) && (code < -32_768 || code > -32_000)));
    expect(reserved.filter(code => ![-32020, -32021, -32022, -32700, ...range(-32603, -32600)].includes(code))).toEqual(
      [],
    );
    expect(codes).toEqual(expect.arrayContaining([-32020, -32021, -32022, -32700, -32603, -32602, -32601, -32600]));
  });

  it.each([`${PREFIX}protocolVersion`, CAPABILITIES])(
    'a request without its version or its capabilities is answered with 400 and -32602',
    async key => {
      const { body, headers } = modern('tools/call', echo);
      delete (body.params._meta as JsonObject)[key];

      const { status, json } = await app.send(body, { token: TOKENS.ada, headers });

      expect([status, json.error?.code]).toEqual([400, -32602]);
    },
  );

  it('a client that lacks what a request needs is told so with 400, -32021 and the capabilities', async () => {
    const { status, json } = await ask('tools/call', elicit);
    const inPrompt = await ask('prompts/get', { name: 'test_input_required_result_prompt' });
    const urlOnly = await ask('tools/call', elicit, { capabilities: { elicitation: { url: {} } } });

    for (const refused of [{ status, json }, inPrompt, urlOnly]) {
      expect(refused.status).toBe(400);
      expect(refused.json.error).toMatchObject({
        code: -32021,
        data: { requiredCapabilities: { elicitation: expect.any(Object) } },
      });
    }
    expect(urlOnly.json.error.data.requiredCapabilities).toEqual({ elicitation: { form: {} } });
  });

  it.each([-32000, -32001, -32002, -32019])(
    'a client that answers is not heard, whatever code it has: %d',
    async code => {
      const answer = { jsonrpc: '2.0', id: 1, error: { code, message: 'No' } };

      const { status, text } = await app.send(answer, {
        token: TOKENS.ada,
        headers: { 'MCP-Protocol-Version': VERSION },
      });
      const after = await ask('tools/call', echo);

      expect(text).not.toContain('"result"');
      expect(status === 202 || status === 400).toBe(true);
      expect(after.json.result.structuredContent.message).toBe('x');
    },
  );
});

describe('requests stand for themselves', () => {
  it('what one request says of its client does not hold for the next of the same connection', async () => {
    const asking = await ask('tools/call', elicit, { capabilities: everything });
    const silent = await ask('tools/call', elicit);
    const logging = await ask(
      'tools/call',
      { name: 'test_logging_tool', arguments: {} },
      {
        meta: { [`${PREFIX}logLevel`]: 'debug' },
      },
    );
    const notLogging = await ask('tools/call', { name: 'test_logging_tool', arguments: {} });

    expect([asking.json.result?.resultType, silent.json.error?.code]).toEqual(['input_required', -32021]);
    expect([logging.messages.length, notLogging.messages.length]).toEqual([2, 1]);
  });

  it('an extension that only the client knows changes nothing', async () => {
    const extensions = { 'io.modelcontextprotocol/tasks': {}, 'com.example/other': { a: 1 } };

    const plain = await ask('tools/call', echo);
    const withExtensions = await ask('tools/call', echo, { capabilities: { extensions } });
    const discovered = await ask('server/discover', {}, { capabilities: { extensions } });

    expect(withExtensions.json).toEqual(plain.json);
    expect(discovered.json.result.capabilities).not.toHaveProperty('extensions');
  });

  it('a call that asks ends with its questions, and no request of the server comes before', async () => {
    const meta = { progressToken: 'p', [`${PREFIX}logLevel`]: 'debug' };
    const asking = [
      ['tools/call', elicit],
      ['tools/call', { name: 'test_sampling', arguments: { prompt: 'x' } }],
      ['tools/call', { name: 'test_tool_with_progress', arguments: {} }],
      ['prompts/get', { name: 'test_input_required_result_prompt' }],
    ] as const;

    const answers = await Promise.all(
      asking.map(([method, params]) => ask(method, params, { meta, capabilities: everything })),
    );

    const messages = answers.flatMap(answer => answer.messages);
    expect(messages.filter(({ id, method }) => id !== undefined && method !== undefined)).toEqual([]);
    expect(messages.filter(({ method }) => method === 'notifications/cancelled')).toEqual([]);
    const interim = answers.flatMap(({ json: { result } }) => (result.resultType === 'input_required' ? [result] : []));
    expect(interim).toHaveLength(3);
    for (const { inputRequests, requestState } of interim) {
      expect(typeof requestState).toBe('string');
      for (const question of Object.values(inputRequests) as { method: string; params: JsonObject }[]) {
        expect(['elicitation/create', 'sampling/createMessage', 'roots/list']).toContain(question.method);
        expect(question.method !== 'elicitation/create' || typeof question.params.message === 'string').toBe(true);
      }
    }
  });
});

describe('headers', () => {
  it('names of headers have any case, their values the one of the body', async () => {
    const { body } = modern('tools/call', echo);
    const send = (headers: Record<string, string>) => app.send(body, { token: TOKENS.ada, headers });

    const upper = await send({ 'MCP-PROTOCOL-VERSION': VERSION, 'MCP-METHOD': 'tools/call', 'MCP-NAME': 'probe.echo' });
    const lower = await send({ 'mcp-protocol-version': VERSION, 'mcp-method': 'tools/call', 'mcp-name': 'probe.echo' });
    const otherMethod = await send({
      'MCP-Protocol-Version': VERSION,
      'Mcp-Method': 'TOOLS/CALL',
      'Mcp-Name': 'probe.echo',
    });
    const otherName = await send({
      'MCP-Protocol-Version': VERSION,
      'Mcp-Method': 'tools/call',
      'Mcp-Name': 'Probe.echo',
    });

    expect([upper, lower, otherMethod, otherName].map(({ status, json }) => [status, json.error?.code])).toEqual([
      [200, undefined],
      [200, undefined],
      [400, -32020],
      [400, -32020],
    ]);
  });

  it('a name in base64 is decoded before it is compared', async () => {
    const inBase64 = (name: string) => ({ 'Mcp-Name': `=?base64?${Buffer.from(name).toString('base64')}?=` });

    const same = await ask('tools/call', echo, { headers: inBase64('probe.echo') });
    const other = await ask('tools/call', echo, { headers: inBase64('probe.fail') });
    const literal = await ask('tools/call', { name: '=?base64?eA==?=', arguments: {} }, { headers: inBase64('x') });
    const unknown = await ask('tools/call', { name: 'ü', arguments: {} }, { headers: inBase64('ü') });

    expect([same, other, literal].map(({ status, json }) => [status, json.error?.code])).toEqual([
      [200, undefined],
      [400, -32020],
      [400, -32020],
    ]);
    expect(unknown.json.error.code).toBe(-32602);
  });

  it('the URI of a read is compared with its header', async () => {
    const uri = 'test://static-text';

    const same = await ask('resources/read', { uri });
    const other = await ask('resources/read', { uri }, { headers: { 'Mcp-Name': 'test://static-binary' } });
    const prompt = await ask('prompts/get', { name: 'test_simple_prompt' }, { headers: { 'Mcp-Name': 'other' } });
    const { body, headers } = modern('resources/read', { uri });
    const missing = await app.send(body, { token: TOKENS.ada, headers });

    expect([same, other, prompt, missing].map(({ status, json }) => [status, json.error?.code])).toEqual([
      [200, undefined],
      [400, -32020],
      [400, -32020],
      [400, -32020],
    ]);
  });

  it('headers for arguments that no tool asks for mean nothing', async () => {
    const { status, json } = await ask('tools/call', echo, {
      headers: { 'Mcp-Param-Message': 'other', 'Mcp-Param-Nosuch': '=?base64?%%%?=' },
    });

    expect([status, json.result?.structuredContent]).toEqual([200, { message: 'x', count: 1 }]);
  });

  it('an argument that its tool wants in a header is there and says the same', async () => {
    const call = async (region: string | null | undefined, header?: string) => {
      const { status, json } = await ask(
        'tools/call',
        { name: 'test_x_mcp_header', arguments: { ...(region !== undefined && { region }) } },
        { headers: header === undefined ? {} : { 'Mcp-Param-Region': header } },
      );
      return [status, json.error?.code];
    };
    const inBase64 = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;

    const taken = [await call('us-west1', 'us-west1'), await call('grüße', inBase64('grüße'))];
    const refused = [
      await call('us-west1'),
      await call('us-west1', 'us-east1'),
      await call('us-west1', 'US-WEST1'),
      await call('us-west1', inBase64('us-east1')),
      await call('us-west1', '=?base64?%%%?='),
    ];
    const notExpected = [await call(undefined), await call(null)];

    expect(taken).toEqual(Array(2).fill([200, undefined]));
    expect(refused).toEqual(Array(5).fill([400, -32020]));
    // Wrong input, but nothing that headers would have to do with.
    expect(notExpected).toEqual(Array(2).fill([200, undefined]));
  });
});

describe('subscriptions', () => {
  const listen = (notifications: JsonObject, id: number | string, on = app) => {
    const { body, headers } = modern('subscriptions/listen', { notifications });
    return on.open({ headers, body: { ...body, id } });
  };

  it('a subscription is acknowledged before anything else, and all that it sends has its id', async () => {
    const fresh = await startSpecServer();
    const stream = await listen({ toolsListChanged: true, promptsListChanged: true }, 'mine', fresh);

    const acknowledged = (await stream.nextMessage()).json;
    await fresh.held.register('added');
    const changed = (await stream.nextMessage()).json;

    expect(acknowledged.method).toBe('notifications/subscriptions/acknowledged');
    expect(changed.method).toBe('notifications/tools/list_changed');
    expect([acknowledged, changed].map(({ params }) => params._meta[`${PREFIX}subscriptionId`])).toEqual([
      'mine',
      'mine',
    ]);
    await fresh.stop();
  });

  it('a subscription is told what it asked for, and nothing else', async () => {
    let addPrompt = () => {};
    const plugin = offersPlugin('more', ({ prompts }) => {
      addPrompt = () =>
        prompts.register({ name: 'added', title: 'T', description: 'D', get: async () => ({ messages: [] }) });
    });
    const fresh = await startSpecServer({ features: [plugin], pluginSources: ['more'] });
    const [tools, prompts] = [
      await listen({ toolsListChanged: true }, 1, fresh),
      await listen({ promptsListChanged: true }, 2, fresh),
    ];
    await tools.nextMessage();
    await prompts.nextMessage();
    const call = await fresh.ask(
      VERSION,
      'tools/call',
      { name: 'test_logging_tool', arguments: {} },
      {
        meta: { [`${PREFIX}logLevel`]: 'debug' },
      },
    );

    addPrompt();
    const toPrompts = (await prompts.nextMessage()).json;
    await fresh.held.register('added');
    const toTools = (await tools.nextMessage()).json;
    await fresh.stop();
    const rest = [...(await tools.rest().catch(() => [])), ...(await prompts.rest().catch(() => []))];

    expect(call.messages.map(({ method }) => method)).toEqual(['notifications/message', undefined]);
    expect([toTools.method, toPrompts.method]).toEqual([
      'notifications/tools/list_changed',
      'notifications/prompts/list_changed',
    ]);
    expect(rest.flatMap(({ json }) => json?.method ?? [])).toEqual([]);
  });

  it('a subscription that the server ends is answered', async () => {
    const fresh = await startSpecServer();
    const stream = await listen({ toolsListChanged: true }, 'mine', fresh);
    await stream.nextMessage();

    const rest = stream.rest();
    const stopped = fresh.stopServer();
    const [last] = (await rest).flatMap(({ json }) => json ?? []);
    await stopped;

    expect(last).toEqual({
      jsonrpc: '2.0',
      id: 'mine',
      result: { resultType: 'complete', _meta: expect.objectContaining({ [`${PREFIX}subscriptionId`]: 'mine' }) },
    });
  });
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
