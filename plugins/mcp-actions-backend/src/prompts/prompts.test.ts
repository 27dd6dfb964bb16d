import type { JsonObject } from '@backstage/types';
import { TooManyRequestsError } from '@callboard/actions-api';
import { type ClientKind, clientKinds, connectClient } from '@callboard/test-utils';
import type { Client } from '@modelcontextprotocol/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLibraryPlugin } from '../testing/libraryPlugin.js';
import { offersPlugin } from '../testing/offersPlugin.js';
import { backendOfTwo, type SendOptions, startProbe, TOKENS } from '../testing/startProbe.js';

let app: Awaited<ReturnType<typeof startProbe>>;
let library: ReturnType<typeof createLibraryPlugin>;
let closers: (() => Promise<void>)[];

async function start(options: { mcpActions?: JsonObject; actions?: JsonObject; features?: unknown[] } = {}) {
  library = createLibraryPlugin();
  app = await startProbe({
    features: [...library.features, ...(options.features ?? [])],
    config: {
      backend: { ...backendOfTwo, actions: { pluginSources: ['library', 'shop'], ...options.actions } },
      mcpActions: options.mcpActions ?? {},
    },
  });
  closers.push(app.stop);
}

beforeEach(() => {
  closers = [];
});
afterEach(async () => {
  for (const close of closers.reverse()) {
    await close();
  }
});

async function connect(kind: ClientKind) {
  const client = await connectClient({ url: app.url, token: TOKENS.ada, kind });
  closers.push(client.close);
  return client.raw as Client;
}

const asAda = (options: SendOptions = {}) => ({ token: TOKENS.ada, ...options });
const get = (name: string, args: JsonObject = {}, options: SendOptions = {}) =>
  app.request('prompts/get', { name, arguments: args }, asAda(options));
const list = async (options: SendOptions = {}) => {
  const { json } = await app.request('prompts/list', {}, asAda(options));
  return json.result.prompts.map(({ name }: { name: string }) => name);
};
const auditEvents = (eventId: string) => app.logs.filter(line => line.isAuditEvent && line.eventId === eventId);

describe.each(clientKinds)('a client, %s', kind => {
  it('lists prompts with their arguments and gets them, with text, resources and images', async () => {
    await start();
    const client = await connect(kind);

    const { prompts } = await client.listPrompts();
    const made = await client.getPrompt({ name: 'library.recommend', arguments: { genre: 'crime', count: '2' } });
    const plain = await client.getPrompt({ name: 'library.audit' });

    expect(client.getServerCapabilities()).toMatchObject({ prompts: { listChanged: true }, completions: {} });
    expect(prompts.map(({ name }) => name)).toEqual(['library.audit', 'library.fail', 'library.recommend']);
    expect(prompts[0]).toEqual({
      name: 'library.audit',
      title: 'Audit the ledger',
      description: 'Asks to look through the ledger',
    });
    expect(prompts[2]?.arguments).toEqual([
      { name: 'genre', description: 'What kind', required: true },
      { name: 'count', required: false },
    ]);
    expect(made).toMatchObject({
      description: 'Asks for books to read',
      messages: [
        { role: 'user', content: { type: 'text', text: 'Recommend 2 books of crime' } },
        { role: 'user', content: { type: 'resource', resource: { uri: 'library://rules', text: 'Hush.' } } },
        { role: 'user', content: { type: 'image', data: 'aGk=', mimeType: 'image/png' } },
      ],
    });
    expect(plain.description).toBe('Made without arguments: {}');
    expect(library.recorded.map(({ name, actionId, input }) => [name, actionId, input])).toEqual([
      ['library.recommend', 'library:prompt:recommend', { genre: 'crime', count: 2 }],
      ['library.audit', 'library:prompt:audit', undefined],
    ]);
  });
});

describe('a prompt', () => {
  it('is given its arguments with defaults, as the kinds that its schema says', async () => {
    await start();

    await get('library.recommend', { genre: 'crime' });
    expect(library.told.given).toBe(3);
    await get('library.recommend', { genre: 'crime', count: '7' });
    expect(library.told.given).toBe(7);
  });

  it.each([
    [{}, 'genre'],
    [{ genre: 'x' }, 'genre'],
    [{ genre: 'crime', count: 'many' }, 'count'],
    [{ genre: 'crime', colour: 'red' }, 'colour'],
  ])('is not made of %j, and says what is wrong, on record', async (args, field) => {
    await start();

    const { json } = await get('library.recommend', args);

    expect(json.error).toMatchObject({
      code: -32602,
      message: expect.stringContaining(field),
      data: { name: 'InputError' },
    });
    expect(library.recorded.map(({ decision }) => decision)).toEqual(['refuse_input']);
    expect(auditEvents('prompt-get').map(({ status, meta }) => [status, (meta as JsonObject).promptName])).toEqual([
      ['initiated', 'library.recommend'],
      ['failed', 'library.recommend'],
    ]);
  });

  it('that is unknown and one that the caller may not see answer alike, on record', async () => {
    await start();
    library.sight.isForbidden = true;

    const listed = await list();
    const hidden = await get('library.audit');
    const unknown = await get('library.nothing');

    expect(listed).toEqual(['library.fail', 'library.recommend']);
    expect(hidden.json.error).toEqual({ code: -32602, message: 'Unknown prompt: library.audit' });
    expect(unknown.json.error).toEqual({ code: -32602, message: 'Unknown prompt: library.nothing' });
    expect(library.recorded.map(({ decision }) => decision)).toEqual(['refuse_unknown', 'refuse_unknown']);
    expect(auditEvents('prompt-discovery').at(-1)).toMatchObject({ status: 'succeeded', meta: { promptCount: 2 } });
  });

  it.each([
    ['forbidden', { code: -31403, message: 'message of NotAllowedError', data: { name: 'NotAllowedError' } }],
    ['missing', { code: -32602, message: 'message of NotFoundError', data: { name: 'NotFoundError' } }],
    ['internal', { code: -32603, data: { requestId: expect.any(String) } }],
    ['wrongly', { code: -32603, data: { requestId: expect.any(String) } }],
  ])('that fails %s says what is meant for the caller, and nothing else', async (kind, error) => {
    await start();

    const { json, text } = await get('library.fail', { kind });

    expect(json.error).toMatchObject(error);
    expect(text).not.toContain('secret-internal-detail');
  });

  it('stops at a limit, on record', async () => {
    await start();
    library.refusing.limits = new TooManyRequestsError('once a day');

    const { json } = await get('library.recommend', { genre: 'crime' });

    expect(json.error).toMatchObject({ code: -31429, message: 'once a day' });
    expect(library.recorded.map(({ decision }) => decision)).toEqual(['refuse_limit']);
  });
});

describe('a server', () => {
  it('publishes what its filter and its allow-list let through; the rest is unknown', async () => {
    await start({
      mcpActions: {
        servers: {
          few: { name: 'Few', enabledPrompts: ['library.rec*'] },
          none: { name: 'None', enabledPrompts: ['library.recommend'], filter: { exclude: [{ id: '*:prompt:*' }] } },
        },
      },
    });

    const few = await list({ path: '/few' });
    const refused = await get('library.fail', { kind: 'x' }, { path: '/few' });
    const none = await get('library.recommend', { genre: 'crime' }, { path: '/none' });

    expect(few).toEqual(['library.recommend']);
    expect(refused.json.error).toMatchObject({ code: -32602, message: 'Unknown prompt: library.fail' });
    expect(none.json.error).toMatchObject({ code: -32601 });
    expect(await list()).toHaveLength(3);
  });

  it('with exact names calls them as they say, and others as ever', async () => {
    await start({ mcpActions: { servers: { exact: { name: 'Exact', toolNames: 'exact' } } } });

    const exact = await list({ path: '/exact' });
    const { json } = await get('recommend_books', { genre: 'crime' }, { path: '/exact' });
    const other = await get('library.recommend', { genre: 'crime' }, { path: '/exact' });

    expect(exact).toEqual(['library.audit', 'library.fail', 'recommend_books']);
    expect(json.result.messages).toHaveLength(3);
    expect(other.json.error.code).toBe(-32602);
  });

  it('does not start with two prompts of one exact name', async () => {
    const shop = offersPlugin('shop', ({ prompts }) =>
      prompts.register({
        name: 'sell',
        exactName: 'recommend_books',
        title: 'Sell',
        description: 'Sells',
        get: async () => ({ messages: [] }),
      }),
    );

    await expect(
      start({ features: [shop], mcpActions: { servers: { exact: { name: 'Exact', toolNames: 'exact' } } } }),
    ).rejects.toThrow(/expected one action with the tool name "recommend_books"/);
  });

  it('with short names spells those out that two plugins want, and says so in the log', async () => {
    const shop = offersPlugin('shop', ({ prompts }) =>
      prompts.register({ name: 'recommend', title: 'R', description: 'R', get: async () => ({ messages: [] }) }),
    );

    await start({ features: [shop], mcpActions: { namespacedToolNames: false, toolNameStyle: 'safe' } });

    expect(await list()).toEqual(['audit', 'fail', 'library_recommend', 'shop_recommend']);
    expect(app.logs).toContainEqual(
      expect.objectContaining({
        level: 'error',
        message: expect.stringContaining('Several prompts of the MCP server would be "recommend"'),
      }),
    );
  });

  it('lists them in pages of its size', async () => {
    await start({ mcpActions: { pageSize: 2 } });

    const first = await app.request('prompts/list', {}, asAda());
    const second = await app.request('prompts/list', { cursor: first.json.result.nextCursor }, asAda());
    const wrong = await app.request('prompts/list', { cursor: 'x' }, asAda());

    expect(first.json.result.prompts).toHaveLength(2);
    expect(second.json.result).toMatchObject({ prompts: [{ name: 'library.recommend' }] });
    expect(second.json.result).not.toHaveProperty('nextCursor');
    expect(wrong.json.error.code).toBe(-32602);
    expect(auditEvents('prompt-discovery').at(-1)).toMatchObject({ status: 'failed' });
  });
});

it('what is embedded without a MIME type has that of its kind', async () => {
  const shop = offersPlugin('shop', ({ prompts }) =>
    prompts.register({
      name: 'sell',
      title: 'Sell',
      description: 'Sells',
      get: async () => ({
        messages: [
          { role: 'user', content: { type: 'resource', resource: { uri: 'shop://a', text: 'A' } } },
          { role: 'user', content: { type: 'resource', resource: { uri: 'shop://b', blob: 'AAAA' } } },
          {
            role: 'user',
            content: { type: 'resource', resource: { uri: 'shop://c', text: 'C', mimeType: 'text/csv' } },
          },
        ],
      }),
    }),
  );
  await start({ features: [shop] });

  const { json } = await get('shop.sell');

  expect(
    json.result.messages.map((message: { content: { resource: JsonObject } }) => message.content.resource.mimeType),
  ).toEqual(['text/plain', 'application/octet-stream', 'text/csv']);
});
