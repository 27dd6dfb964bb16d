import { NotAllowedError, ServiceUnavailableError } from '@backstage/errors';
import type { JsonObject } from '@backstage/types';
import { TooManyRequestsError } from '@callboard/actions-api';
import { type ClientKind, clientKinds, connectClient } from '@callboard/test-utils';
import type { Client } from '@modelcontextprotocol/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLibraryPlugin } from '../testing/libraryPlugin.js';
import { backendOfTwo, initialize, modern, type SendOptions, startProbe, TOKENS } from '../testing/startProbe.js';
import { MAX_SUBSCRIPTIONS } from './ResourceSubscriptions.js';

let app: Awaited<ReturnType<typeof startProbe>>;
let library: ReturnType<typeof createLibraryPlugin>;
let closers: (() => Promise<void>)[];

async function start(options: { mcpActions?: JsonObject; actions?: JsonObject } = {}) {
  library = createLibraryPlugin();
  app = await startProbe({
    features: library.features,
    config: {
      backend: { ...backendOfTwo, actions: { pluginSources: ['library', 'probe'], ...options.actions } },
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

/** What all clients have, whichever kind they are. */
async function connect(kind: ClientKind, options: { token?: string; answer?: () => 'accept' } = {}) {
  const client = await connectClient({ url: app.url, token: TOKENS.ada, kind, ...options });
  closers.push(client.close);
  return { era: client.era, raw: client.raw as Client };
}

const asAda = (options: SendOptions = {}) => ({ token: TOKENS.ada, ...options });
const read = (uri: string, options: SendOptions = {}) => app.request('resources/read', { uri }, asAda(options));
const urisIn = (answer: { json: { result: { resources: { uri: string }[] } } }) =>
  answer.json.result.resources.map(({ uri }) => uri);

async function readModern(uri: string) {
  const { body, headers } = modern('resources/read', { uri });
  return app.send(body, asAda({ headers: { ...headers, 'Mcp-Name': uri } }));
}

const auditEvents = (eventId: string) => app.logs.filter(line => line.isAuditEvent && line.eventId === eventId);

const everything = [
  'library://books/b1',
  'library://books/b2',
  'library://books/c%203',
  'library://desk',
  'library://ledger',
  'library://rules',
  'library://stamp',
];

describe.each(clientKinds)('a client, %s', kind => {
  it('lists and reads resources, text and bytes, at fixed URIs and by template', async () => {
    await start();
    const { raw, era } = await connect(kind);

    const { resources } = await raw.listResources();
    const { resourceTemplates } = await raw.listResourceTemplates();
    const rules = await raw.readResource({ uri: 'library://rules' });
    const stamp = await raw.readResource({ uri: 'library://stamp' });
    const book = await raw.readResource({ uri: 'library://books/c%203' });

    expect(raw.getServerCapabilities()).toMatchObject({
      resources: { subscribe: true, listChanged: true },
      completions: {},
    });
    expect(resources.map(({ uri }) => uri)).toEqual(everything);
    expect(resources[5]).toEqual({
      uri: 'library://rules',
      name: 'rules',
      title: 'House rules',
      description: 'D',
      mimeType: 'text/markdown',
      size: 5,
      annotations: { audience: ['user'], priority: 0.5 },
    });
    expect(resources[0]).toEqual({ uri: 'library://books/b1', name: 'b1', title: 'Emma' });
    expect(resourceTemplates).toEqual([
      {
        uriTemplate: 'library://books/{id}',
        name: 'book',
        title: 'A book',
        description: 'D',
        mimeType: 'application/json',
      },
      { uriTemplate: 'library://failures/{kind}', name: 'failure', title: 'T', description: 'D' },
    ]);
    expect(rules.contents).toEqual([{ uri: 'library://rules', mimeType: 'text/markdown', text: 'Hush.' }]);
    expect(stamp.contents).toEqual([{ uri: 'library://stamp', mimeType: 'image/png', blob: 'aGk=' }]);
    expect(book.contents).toMatchObject([{ uri: 'library://books/c%203', mimeType: 'application/json' }]);
    expect(JSON.parse((book.contents[0] as { text: string }).text)).toEqual({
      id: 'c 3',
      title: 'Sanditon',
      by: { door: 'mcp', principal: 'servicePrincipal{plugin:mcp-actions}' },
    });
    expect(library.recorded.map(({ name, actionId, decision }) => [name, actionId, decision])).toEqual([
      ['library://rules', 'library:resource:rules', 'allow'],
      ['library://stamp', 'library:resource:stamp', 'allow'],
      ['library://books/c%203', 'library:resource:book', 'allow'],
    ]);
    expect(library.recorded[0]).toMatchObject({
      principal: expect.stringContaining('ada'),
      agentId: `test-${kind}`,
      effect: 'read',
      input: { uri: 'library://rules' },
    });
    expect(era).toBe(kind === 'v2-modern' || kind === 'v2-auto' ? 'modern' : 'legacy');
  });

  it('is asked by a resource that needs to know something', async () => {
    await start();
    const { raw } = await connect(kind, { answer: () => 'accept' });

    const { contents } = await raw.readResource({ uri: 'library://desk' });

    expect(contents).toEqual([{ uri: 'library://desk', text: 'accept nobody' }]);
  });

  it('is told of what is not there by -32602 with the URI', async () => {
    await start();
    const { raw } = await connect(kind);

    await expect(raw.readResource({ uri: 'library://books/none' })).rejects.toMatchObject({
      code: -32602,
      data: { uri: 'library://books/none' },
    });
  });
});

it('a server without resources and prompts has no capabilities for them, and does not know their methods', async () => {
  await start({ mcpActions: { enabledResources: [], enabledPrompts: [] } });

  const { json } = await app.send(initialize(), asAda());
  const list = await app.request('resources/list', {}, asAda());
  const get = await app.request('prompts/get', { name: 'library.recommend' }, asAda());

  const { resources, prompts, completions } = json.result.capabilities;
  expect([resources, prompts, completions]).toEqual([undefined, undefined, undefined]);
  expect([list.json.error.code, get.json.error.code]).toEqual([-32601, -32601]);
});

describe('what a caller may not see', () => {
  it('is neither listed nor read, nor subscribed to, with the answer of an unknown URI, on record', async () => {
    await start();
    library.sight.isForbidden = true;

    const listed = await app.request('resources/list', {}, asAda());
    const hidden = await read('library://ledger');
    const unknown = await read('library://nothing');
    const subscribed = await app.request('resources/subscribe', { uri: 'library://ledger' }, asAda());
    library.sight.isForbidden = false;
    const seen = await read('library://ledger');

    expect(urisIn(listed)).toEqual(everything.filter(uri => uri !== 'library://ledger'));
    expect(hidden.json.error).toEqual({
      code: -32602,
      message: 'Resource not found: library://ledger',
      data: { uri: 'library://ledger' },
    });
    expect(unknown.json.error).toEqual({
      code: -32602,
      message: 'Resource not found: library://nothing',
      data: { uri: 'library://nothing' },
    });
    expect(subscribed.json.error).toEqual(hidden.json.error);
    expect(seen.json.result.contents[0].text).toBe('What everybody owes');
    expect(library.recorded.map(({ name, decision }) => [name, decision])).toEqual([
      ['library://ledger', 'refuse_unknown'],
      ['library://nothing', 'refuse_unknown'],
      ['library://ledger', 'allow'],
    ]);
    expect(auditEvents('resource-read').map(({ status, meta }) => [status, (meta as JsonObject).resourceUri])).toEqual([
      ['initiated', 'library://ledger'],
      ['failed', 'library://ledger'],
      ['initiated', 'library://nothing'],
      ['failed', 'library://nothing'],
      ['initiated', 'library://ledger'],
      ['succeeded', 'library://ledger'],
    ]);
    expect(auditEvents('resource-subscription').map(({ status }) => status)).toEqual(['initiated', 'failed']);
    expect(auditEvents('resource-discovery').at(-1)).toMatchObject({
      status: 'succeeded',
      meta: { resourceCount: 6, durationMs: expect.any(Number) },
    });
  });

  it.each([
    ['the filter of all servers', { actions: { filter: { exclude: [{ id: 'library:resource:rules' }] } } }, ''],
    [
      'the filter of the server',
      { mcpActions: { servers: { desk: { name: 'Desk', filter: { exclude: [{ id: '*:resource:rules' }] } } } } },
      '/desk',
    ],
    [
      'the allow-list of the server',
      {
        mcpActions: {
          servers: { desk: { name: 'Desk', enabledResources: ['library://books/*', 'library://s*'] } },
        },
      },
      '/desk',
    ],
    [
      'the profile of the server',
      {
        actions: {
          profiles: { few: { capabilities: ['actions:read'], filter: { exclude: [{ id: '*:resource:rules' }] } } },
        },
        mcpActions: { servers: { desk: { name: 'Desk', profile: 'few' } } },
      },
      '/desk',
    ],
  ])('by %s is neither listed nor read, nor completed', async (_what, options, path) => {
    await start(options as never);

    const listed = urisIn(await app.request('resources/list', {}, asAda({ path })));
    const refused = await read('library://rules', { path });
    const book = await read('library://books/b1', { path });

    expect(listed).toContain('library://books/b1');
    expect(listed).toContain('library://stamp');
    expect(listed).not.toContain('library://rules');
    expect(refused.json.error).toMatchObject({ code: -32602, data: { uri: 'library://rules' } });
    expect(book.json.result.contents[0].uri).toBe('library://books/b1');
    expect(library.reads).toEqual(['library://books/b1']);
    expect(library.recorded[0]?.decision).toMatch(/^refuse_(unknown|profile)$/);
  });

  it('by a template that is not published are none of what it stands for', async () => {
    await start({ mcpActions: { enabledResources: ['library://rules'] } });

    const listed = urisIn(await app.request('resources/list', {}, asAda()));
    const templates = await app.request('resources/templates/list', {}, asAda());
    const refused = await read('library://books/b1');

    expect(listed).toEqual(['library://rules']);
    expect(templates.json.result.resourceTemplates).toEqual([]);
    expect(refused.json.error.code).toBe(-32602);
    expect(library.reads).toEqual([]);
  });
});

describe('a read', () => {
  it.each([
    ['input', { code: -32602, message: 'message of InputError', data: { name: 'InputError' } }],
    ['missing', { code: -32602, message: 'message of NotFoundError', data: { uri: 'library://failures/missing' } }],
    ['forbidden', { code: -31403, message: 'message of NotAllowedError', data: { name: 'NotAllowedError' } }],
    ['conflict', { code: -31409, message: 'message of ConflictError', data: { name: 'ConflictError' } }],
    [
      'nothing',
      {
        code: -32602,
        message: 'Resource not found: library://failures/nothing',
        data: { uri: 'library://failures/nothing' },
      },
    ],
    [
      'empty',
      {
        code: -32602,
        message: 'Resource not found: library://failures/empty',
        data: { uri: 'library://failures/empty' },
      },
    ],
  ])('that fails with %s says so, in both eras, and on record', async (kind, error) => {
    await start();

    const legacy = await read(`library://failures/${kind}`);
    const now = await readModern(`library://failures/${kind}`);

    expect(legacy.json.error).toEqual(error);
    expect(now.json.error).toEqual(error);
    expect(auditEvents('resource-read').map(({ status }) => status)).toEqual([
      'initiated',
      'failed',
      'initiated',
      'failed',
    ]);
  });

  it.each(['internal', 'no-contents', 'both', 'bad-base64', 'bad-uri', 'no-object'])(
    'of an author whose resource is broken, by %s, is answered with a request id, and the log has more',
    async kind => {
      await start();

      const { json, text } = await read(`library://failures/${kind}`);

      expect(json.error).toMatchObject({ code: -32603, data: { requestId: expect.any(String) } });
      expect(text).not.toContain('secret-internal-detail');
      expect(app.logs.some(({ message }) => String(message).includes(json.error.data.requestId))).toBe(true);
    },
  );

  it('can have several contents, with URIs of their own', async () => {
    await start();

    const { json } = await read('library://failures/several');

    expect(json.result.contents).toEqual([
      { uri: 'library://failures/several', text: 'a' },
      { uri: 'library://other', mimeType: 'text/csv', text: 'b' },
    ]);
  });

  it.each(['library://books/b1/', 'library://books/b1%2Fb2', 'library://books/..', 'library://books/%62%31', 'x'])(
    'of %s reaches no author',
    async uri => {
      await start();

      const { json } = await read(uri);

      expect(json.error).toMatchObject({ code: -32602, data: { uri } });
      expect(library.reads).toEqual([]);
    },
  );

  it('of a URI longer than any fills neither the answer nor the audit log', async () => {
    await start();
    const uri = `library://books/${'a'.repeat(100_000)}`;

    const refused = await read(uri);
    const unheard = await app.request('resources/subscribe', { uri }, asAda());

    expect([refused, unheard].map(({ json }) => json.error.data.uri)).toEqual([
      uri.slice(0, 2_048),
      uri.slice(0, 2_048),
    ]);
    expect(Math.max(...app.logs.map(line => JSON.stringify(line).length))).toBeLessThan(5_000);
  });

  it('of a fixed URI goes before a template, and of the template with more that is fixed before others', async () => {
    await start();
    const say = (text: string) => ({ title: 'T', description: 'D', read: async () => ({ text }) });
    library.resources.register({ ...say('any'), name: 'any', uriTemplate: 'library://{kind}/{id}' });
    library.resources.register({ ...say('fixed'), name: 'fixed', uri: 'library://books/b1' });

    const fixed = await read('library://books/b1');
    const book = await read('library://books/b2');
    const any = await read('library://papers/p1');

    expect(fixed.json.result.contents[0].text).toBe('fixed');
    expect(JSON.parse(book.json.result.contents[0].text)).toMatchObject({ title: 'Persuasion' });
    expect(any.json.result.contents[0].text).toBe('any');
  });

  it('stops at a pause and at a limit, with a code of the kind, and on record', async () => {
    await start();

    library.refusing.pause = new ServiceUnavailableError('everything is paused');
    const paused = await read('library://rules');
    const listed = urisIn(await app.request('resources/list', {}, asAda()));
    library.refusing.pause = undefined;
    library.refusing.limits = new TooManyRequestsError('once a day');
    const limited = await read('library://rules');

    expect(paused.json.error).toEqual({
      code: -31503,
      message: 'everything is paused',
      data: { name: 'ServiceUnavailableError' },
    });
    expect(limited.json.error).toMatchObject({ code: -31429, message: 'once a day' });
    expect(library.reads).toEqual([]);
    expect(library.recorded.map(({ decision }) => decision)).toEqual(['refuse_paused', 'refuse_limit']);
    // An author's function does not run during a pause, not even to list.
    expect(listed).toEqual(everything.filter(uri => !uri.includes('/books/')));
  });
});

describe('a list', () => {
  it('comes in pages of the size that the server says', async () => {
    await start({ mcpActions: { pageSize: 3 } });
    const pages: string[][] = [];
    let cursor: string | undefined;

    do {
      const { json } = await app.request('resources/list', { ...(cursor && { cursor }) }, asAda());
      pages.push(urisIn({ json }));
      cursor = json.result.nextCursor;
    } while (cursor);
    const { json: wrong } = await app.request('resources/list', { cursor: 'x' }, asAda());
    const { json: templates } = await app.request('resources/templates/list', {}, asAda());

    expect(pages.map(({ length }) => length)).toEqual([3, 3, 1]);
    expect(pages.flat()).toEqual(everything);
    expect(wrong.error.code).toBe(-32602);
    expect(templates.result.resourceTemplates).toHaveLength(2);
  });

  it('leaves out what a template lists wrongly or fails to list, and has the rest', async () => {
    await start();
    const basics = { title: 'T', description: 'D', read: async () => undefined };
    library.resources.register({
      ...basics,
      name: 'broken',
      uriTemplate: 'library://broken/{id}',
      list: async () => {
        throw new Error('no');
      },
    });
    library.resources.register({
      ...basics,
      name: 'strange',
      uriTemplate: 'library://strange/{id}',
      list: async () => [
        { uri: 'library://strange/1', name: 'one' },
        { uri: 'library://ledger', name: 'not its own' },
        { uri: 'library://strange/2' } as never,
      ],
    });

    const listed = urisIn(await app.request('resources/list', {}, asAda()));

    expect(listed).toEqual([...everything, 'library://strange/1']);
    const lines = app.logs.map(({ level, message }) => `${level}: ${message}`);
    expect(lines).toContainEqual(expect.stringContaining('error: The resources of "library:resource:broken" cannot'));
    expect(lines).toContainEqual(
      expect.stringContaining('warn: Resource "library:resource:strange" lists 2 resources'),
    );
  });

  it('has what is registered later', async () => {
    await start();
    const before = urisIn(await app.request('resources/list', {}, asAda()));

    library.resources.register({
      name: 'new',
      title: 'T',
      description: 'D',
      uri: 'library://new',
      read: async () => undefined,
    });
    const after = urisIn(await app.request('resources/list', {}, asAda()));

    expect(before).toEqual(everything);
    expect(after).toContain('library://new');
  });
});

describe('subscriptions', () => {
  it('are kept per connection, for what can be read, up to a number', async () => {
    await start();
    const { raw } = await connect('v2-legacy');
    const { raw: other } = await connect('v2-legacy');

    await raw.subscribeResource({ uri: 'library://rules' });
    await expect(raw.subscribeResource({ uri: 'library://nothing' })).rejects.toMatchObject({ code: -32602 });
    await raw.unsubscribeResource({ uri: 'library://rules' });
    for (let index = 0; index < MAX_SUBSCRIPTIONS; index += 1) {
      await raw.subscribeResource({ uri: `library://books/${index}` });
    }

    await expect(raw.subscribeResource({ uri: 'library://rules' })).rejects.toMatchObject({
      code: -31429,
      message: expect.stringContaining('at most 100 subscriptions'),
    });
    await raw.subscribeResource({ uri: 'library://books/0' });
    await other.subscribeResource({ uri: 'library://rules' });
    await raw.unsubscribeResource({ uri: 'library://books/0' });
    await raw.subscribeResource({ uri: 'library://rules' });
    expect(library.reads).toEqual([]);
  });

  it('are refused to whom a read would be', async () => {
    await start();
    const { raw } = await connect('sdk-v1-sse');
    library.refusing.pause = new NotAllowedError('not now');

    await expect(raw.subscribeResource({ uri: 'library://rules' })).rejects.toMatchObject({ code: -31403 });
    expect(auditEvents('resource-subscription').map(({ status }) => status)).toEqual(['initiated', 'failed']);
  });

  it('are no method of the 2026 era', async () => {
    await start();
    const { body, headers } = modern('resources/subscribe', { uri: 'library://rules' });

    const { status, json } = await app.send(body, asAda({ headers }));

    expect([status, json.error.code]).toEqual([404, -32601]);
  });
});

it('what is no resource of the server itself is unknown, on record', async () => {
  await start();

  const refused = await read('callboard://outputs/none');

  expect(refused.json.error).toMatchObject({ code: -32602, data: { uri: 'callboard://outputs/none' } });
  expect(library.recorded).toMatchObject([{ name: 'callboard://outputs/none', decision: 'refuse_unknown' }]);
});
