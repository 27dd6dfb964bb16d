import type { BackstageCredentials } from '@backstage/backend-plugin-api';
import { NotFoundError } from '@backstage/errors';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { actionsPlugin, inProcessCaller } from '../testing/actionsPlugin.js';
import { startTestBackend, type TestBackend } from '../testing/startTestBackend.js';
import { createUserTokens } from '../testing/userTokens.js';

const failure = new NotFoundError('Item "7" not found');
const handled: { input: unknown; secrets: unknown; credentials: BackstageCredentials }[] = [];
const caller = inProcessCaller();
let backend: TestBackend;
let userToken: string;

const echoIn = (pluginId: string) =>
  actionsPlugin(pluginId, registry => {
    registry.register({
      name: 'echo',
      title: 'Echo',
      description: 'Answers with its input.',
      schema: {
        input: z => z.object({ text: z.string().trim() }),
        output: z => z.object({ text: z.string(), at: z.any() }),
      },
      action: async ({ input, secrets, credentials }) => {
        handled.push({ input, secrets, credentials });
        return { output: { text: input.text, at: new Date(0) } };
      },
    });
    registry.register({
      name: 'share',
      title: 'Share',
      description: 'Takes a secret.',
      schema: {
        input: z => z.object({}),
        output: z => z.object({ keyLength: z.number() }),
        secrets: z => z.object({ key: z.string() }),
      },
      action: async ({ secrets }) => ({ output: { keyLength: secrets.key.length } }),
    });
    registry.register({
      name: 'fail',
      title: 'Fail',
      description: 'Throws.',
      schema: { input: z => z.object({}), output: z => z.object({}) },
      action: async () => {
        throw failure;
      },
    });
  });

beforeAll(async () => {
  const users = await createUserTokens();
  userToken = await users.issue('user:default/ann');
  const restricted = (token: string, accessRestrictions: object[]) => ({
    type: 'static',
    options: { token, subject: `external:${token}` },
    accessRestrictions: accessRestrictions as never,
  });
  backend = await startTestBackend({
    features: [users.feature, caller.feature, echoIn('todo'), echoIn('notes'), echoIn('secluded')],
    externalAccess: [
      restricted('only-todo', [{ plugin: 'caller' }, { plugin: 'todo' }]),
      restricted('todo-by-permission', [
        { plugin: 'caller' },
        { plugin: 'todo', permission: 'todo.read' },
        { plugin: 'notes' },
      ]),
      restricted('only-caller', [{ plugin: 'caller' }]),
    ],
    backendConfig: {
      actions: { pluginSources: ['todo', 'notes', 'notes', 'absent'], filter: { exclude: [{ id: 'notes:fail' }] } },
    },
  });
});

afterAll(() => backend?.stop());

beforeEach(() => {
  handled.length = 0;
  backend.logs.length = 0;
});

const idsFor = async (credentials: BackstageCredentials): Promise<string[]> => {
  const { actions } = await caller.actions.list({ credentials });
  return actions.map(({ id }) => id);
};
const echo = (credentials: BackstageCredentials, pluginId = 'todo') =>
  caller.actions.invoke({ id: `${pluginId}:echo`, input: { text: ' tea ' }, credentials });

describe('a call within the process', () => {
  let fetched: string[];
  beforeEach(() => {
    const realFetch = globalThis.fetch;
    fetched = [];
    vi.stubGlobal('fetch', (...args: Parameters<typeof fetch>) => {
      fetched.push(String(args[0] instanceof Request ? args[0].url : args[0]));
      return realFetch(...args);
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  test('of a service makes no HTTP request', async () => {
    const credentials = await caller.ownCredentials();

    const { output } = await echo(credentials);

    expect(output).toMatchObject({ text: 'tea' });
    expect(fetched.filter(url => !url.includes('/absent/'))).toEqual([]);
    expect(backend.logs.filter(({ message }) => message.includes('HTTP/1.1'))).toEqual([]);
  });

  test('of a user asks for keys at most, never for actions', async () => {
    await echo(await caller.authenticate(userToken));

    const requests = backend.logs.filter(({ message }) => message.includes('HTTP/1.1'));
    expect(requests.filter(({ message }) => !message.includes('jwks.json'))).toEqual([]);
    expect(fetched.filter(url => url.includes('.backstage/actions'))).toEqual([]);
  });

  test('passes input through the schema, and takes secrets', async () => {
    const credentials = await caller.ownCredentials();

    await echo(credentials);
    const { output } = await caller.actions.invoke({
      id: 'todo:share',
      input: {},
      secrets: { key: 'abc' },
      credentials,
    });

    expect(handled[0]?.input).toEqual({ text: 'tea' });
    expect(output).toEqual({ keyLength: 3 });
  });

  test('is refused with the very error that the handler or a check throws', async () => {
    const credentials = await caller.ownCredentials();
    const invoke = (id: string, input: object = {}, secrets?: object) =>
      caller.actions.invoke({ id, input: input as never, secrets: secrets as never, credentials });

    await expect(invoke('todo:fail')).rejects.toBe(failure);
    await expect(invoke('todo:echo', { text: 1 })).rejects.toMatchObject({ name: 'InputError' });
    await expect(invoke('todo:share')).rejects.toThrow('Action "todo:share" requires secrets but none were provided');
    await expect(invoke('todo:echo', { text: '' }, { key: 'a' })).rejects.toThrow('does not accept secrets');
  });

  test.each([
    'todo:none',
    'absent:echo',
    'unheard-of:echo',
    'secluded:echo',
    'notes:fail',
    'echo',
    ':echo',
    'todo:',
    '',
    '__proto__',
  ])('of "%s" is answered as not found', async id => {
    const call = caller.actions.invoke({ id, input: {}, credentials: await caller.ownCredentials() });

    await expect(call).rejects.toMatchObject({ name: 'NotFoundError', message: `Action "${id}" not found` });
  });
});

describe('the list within the process', () => {
  test('has the actions of all sources that are here, in their order, each once, without those filtered out', async () => {
    const ids = await idsFor(await caller.ownCredentials());

    expect(ids).toEqual(['todo:echo', 'todo:share', 'todo:fail', 'notes:echo', 'notes:share']);
  });

  test('is a copy: changing it changes nothing for others', async () => {
    const credentials = await caller.ownCredentials();
    const { actions } = await caller.actions.list({ credentials });

    actions.length = 0;

    expect(await idsFor(credentials)).toHaveLength(5);
  });
});

describe('an anonymous caller', () => {
  test('sees nothing and can call nothing', async () => {
    const nobody = await caller.noCredentials();

    expect(await idsFor(nobody)).toEqual([]);
    await expect(echo(nobody)).rejects.toMatchObject({
      name: 'NotAllowedError',
      message: 'Actions must be invoked by an authenticated principal, not an anonymous request',
    });
    expect(handled).toEqual([]);
  });
});

describe('the handler acts for', () => {
  test('the calling plugin, where a service calls', async () => {
    await echo(await caller.ownCredentials());

    expect(handled[0]?.credentials.principal).toMatchObject({ type: 'service', subject: 'plugin:caller' });
  });

  test('the calling plugin, where an external service calls through it', async () => {
    await echo(await caller.authenticate('only-todo'));

    expect(handled[0]?.credentials.principal).toMatchObject({ type: 'service', subject: 'plugin:caller' });
    expect(handled[0]?.credentials.principal).toMatchObject({ accessRestrictions: undefined });
  });

  test('the user, with the calling plugin as actor, where a user calls', async () => {
    await echo(await caller.authenticate(userToken));

    expect(handled[0]?.credentials.principal).toMatchObject({
      type: 'user',
      userEntityRef: 'user:default/ann',
      actor: { type: 'service', subject: 'plugin:caller' },
    });
  });
});

describe('a token with access restrictions', () => {
  const reachable: [string, string[]][] = [
    ['only-todo', ['todo']],
    ['todo-by-permission', ['notes']],
    ['only-caller', []],
  ];

  test.each(reachable)('%s sees %j, and can call the actions of no other', async (token, pluginIds) => {
    const credentials = await caller.authenticate(token);

    const ids = await idsFor(credentials);

    expect([...new Set(ids.map(id => id.split(':')[0]))]).toEqual(pluginIds);
    for (const pluginId of ['todo', 'notes']) {
      const outcome = await echo(credentials, pluginId).then(
        () => 'called',
        (error: Error) => error.message,
      );
      expect(outcome).toBe(pluginIds.includes(pluginId) ? 'called' : `Action "${pluginId}:echo" not found`);
    }
    expect(backend.logs.filter(({ level, message }) => level === 'warn' && /todo|notes/.test(message))).toEqual([]);
  });
});
