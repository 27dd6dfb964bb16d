import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { ServiceUnavailableError } from '@backstage/errors';
import { createPermission } from '@backstage/plugin-permission-common';
import {
  type RegisteredResource,
  resourcesRegistryServiceRef,
  type VisibilityRulesService,
  visibilityRulesServiceRef,
} from '@callboard/actions-api';
import { clientKinds, connectClient } from '@callboard/test-utils';
import type { Client } from '@modelcontextprotocol/client';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createHeldPlugin } from '../testing/heldPlugin.js';
import { createLibraryPlugin } from '../testing/libraryPlugin.js';
import { openEventStream } from '../testing/openEventStream.js';
import { backendOfTwo, initialize, modern, startProbe, TOKENS } from '../testing/startProbe.js';

const MARKER = 'test://marker';
const SECRET = 'test://secret';
const RULES = 'library://rules';

const held = createHeldPlugin();
const library = createLibraryPlugin();
const rule = { id: 'night', version: '1', allows: () => true };
let rules: VisibilityRulesService;
let marker: RegisteredResource;
let secret: RegisteredResource;
let app: Awaited<ReturnType<typeof startProbe>>;
const closers: (() => unknown)[] = [];

const rulesPlugin = createBackendPlugin({
  pluginId: 'night',
  register(env) {
    env.registerInit({
      deps: { resources: resourcesRegistryServiceRef, visibilityRules: visibilityRulesServiceRef },
      async init({ resources, visibilityRules }) {
        rules = visibilityRules;
        rules.add(rule);
        secret = resources.register({
          name: 'secret',
          title: 'T',
          description: 'D',
          uri: SECRET,
          visibilityPermission: createPermission({ name: 'night.secret', attributes: {} }),
          read: async () => ({ text: 'x' }),
        });
      },
    });
  },
});

beforeAll(async () => {
  app = await startProbe({
    features: [held.plugin, rulesPlugin, ...library.features],
    config: {
      backend: { ...backendOfTwo, actions: { pluginSources: ['probe', 'held', 'library', 'night'] } },
      mcpActions: {
        servers: {
          other: { name: 'Other', filter: { include: [{ id: 'probe:*' }, { id: 'library:*' }] } },
          search: { name: 'Search', discovery: 'search' },
        },
      },
    },
  });
  marker = register(MARKER);
  // Everything that the start has changed has been told once this is.
  const stream = await listeners.session?.({ uris: [MARKER] });
  marker.updated();
  await stream?.until(MARKER);
});
afterAll(() => app.stop());
afterEach(async () => {
  library.sight.isForbidden = false;
  library.refusing.pause = undefined;
  for (const close of closers.splice(0).reverse()) {
    await close();
  }
});

let names = 0;
const nextName = () => {
  names += 1;
  return `late-${names}`;
};
const register = (uri = `test://${nextName()}`): RegisteredResource =>
  library.resources.register({
    name: nextName(),
    title: 'T',
    description: 'D',
    uri,
    read: async () => ({ text: 'x' }),
  });

interface Heard {
  method: string;
  params: { uri?: string; _meta?: Record<string, unknown>; notifications?: unknown };
}

/** A client that hears what the server says of its own accord, and is subscribed to some resources. */
interface Listener {
  /** What it hears next, in the order in which it comes. */
  next(): Promise<Heard>;
  /** All that it hears before the change of a resource. */
  until(uri: string): Promise<Heard[]>;
  send(body: unknown): Promise<unknown>;
  stream: Awaited<ReturnType<typeof openEventStream>>;
}

interface ListenOptions {
  uris?: string[];
  path?: string;
  token?: string;
}

const common = (token: string) => ({
  Authorization: `Bearer ${token}`,
  Accept: 'application/json, text/event-stream',
  'Content-Type': 'application/json',
});

async function open(url: string, init: RequestInit): Promise<Omit<Listener, 'send'>> {
  const stream = await openEventStream(url, init);
  closers.push(stream.close);
  const next = async () => (await stream.nextMessage()).json as Heard;
  return {
    stream,
    next,
    until: async uri => {
      const heard: Heard[] = [];
      for (let message = await next(); message.params?.uri !== uri; message = await next()) {
        heard.push(message);
      }
      return heard;
    },
  };
}

const subscribe = (uri: string, id: number) => ({ jsonrpc: '2.0', id, method: 'resources/subscribe', params: { uri } });

const listeners: Record<string, (options?: ListenOptions) => Promise<Listener>> = {
  session: async ({ uris = [], path = '', token = TOKENS.ada } = {}) => {
    const { headers } = await app.send(initialize(), { token, path });
    const inSession = { 'Mcp-Session-Id': headers.get('mcp-session-id') as string };
    const send = (body: unknown) => app.send(body, { token, path, headers: inSession });
    for (const [id, uri] of uris.entries()) {
      await send(subscribe(uri, id));
    }
    return { ...(await open(`${app.url}${path}`, { headers: { ...common(token), ...inSession } })), send };
  },
  'HTTP+SSE': async ({ uris = [], path = '', token = TOKENS.ada } = {}) => {
    const listener = await open(`${app.url}${path}/sse`, { headers: common(token) });
    const endpoint = (await listener.stream.next())?.data as string;
    const send = (body: unknown) =>
      fetch(new URL(endpoint, app.url), { method: 'POST', headers: common(token), body: JSON.stringify(body) });
    for (const message of [initialize(), ...uris.map((uri, id) => subscribe(uri, id + 1))]) {
      await send(message);
      await listener.next();
    }
    return { ...listener, send };
  },
  'subscriptions/listen': async ({ uris = [], path = '', token = TOKENS.ada } = {}) => {
    const listener = await openListen(
      { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true, resourceSubscriptions: uris },
      { path, token },
    );
    await listener.next();
    return listener;
  },
};

async function openListen(notifications: object, { path = '', token = TOKENS.ada }: ListenOptions = {}) {
  const { body, headers } = modern('subscriptions/listen', { notifications } as never);
  const listener = await open(`${app.url}${path}`, {
    method: 'POST',
    headers: { ...common(token), ...headers },
    body: JSON.stringify({ ...body, id: 'my-listen' }),
  });
  return { ...listener, send: async () => {} };
}

const methodsOf = (heard: Heard[]) => heard.map(({ method }) => method);
const TOOLS = 'notifications/tools/list_changed';
const PROMPTS = 'notifications/prompts/list_changed';
const RESOURCES = 'notifications/resources/list_changed';
const UPDATED = 'notifications/resources/updated';

describe.each(Object.keys(listeners))('a client with a stream, %s,', kind => {
  const listen = listeners[kind] as (typeof listeners)[string];

  it('hears once of 200 actions that are registered at once', async () => {
    const listener = await listen({ uris: [MARKER] });

    for (let count = 0; count < 200; count += 1) {
      held.register(nextName());
    }
    const first = await listener.next();
    marker.updated();
    const more = await listener.until(MARKER);

    expect([first.method, ...methodsOf(more)]).toEqual([TOOLS]);
  });

  it('hears of resources, and of what a template stands for', async () => {
    const listener = await listen({ uris: [MARKER] });

    register();
    const registered = await listener.next();
    library.shelf.listChanged();
    const listed = await listener.next();

    expect([registered, listed].map(({ method }) => method)).toEqual([RESOURCES, RESOURCES]);
  });

  it('hears of rules that hold back other things than before, of all kinds', async () => {
    const listener = await listen({ uris: [MARKER] });

    rule.version += '+';
    rules.changed();
    const heard = [await listener.next(), await listener.next(), await listener.next()];

    expect(methodsOf(heard).sort()).toEqual([PROMPTS, RESOURCES, TOOLS]);
  });

  it('does not hear of tools of other servers, nor where tools are only searched for', async () => {
    const onOther = await listen({ uris: [MARKER], path: '/other' });
    const onSearch = await listen({ uris: [MARKER], path: '/search' });
    const onAll = await listen({ uris: [MARKER] });

    held.register(nextName());
    const heard = await onAll.next();
    marker.updated();

    expect(heard.method).toBe(TOOLS);
    expect(await onOther.until(MARKER)).toEqual([]);
    expect(await onSearch.until(MARKER)).toEqual([]);
  });

  it('hears of the resources that it is subscribed to, and of no others', async () => {
    const listener = await listen({ uris: [RULES, 'library://books/b1', MARKER] });
    const another = await listen({ uris: [MARKER] });

    library.shelf.updated('library://books/b2');
    library.shelf.updated('library://books/b1');
    library.shelf.updated('library://books/b1');
    marker.updated();
    const heard = await listener.until(MARKER);

    expect(heard.map(({ method, params }) => [method, params.uri])).toEqual([[UPDATED, 'library://books/b1']]);
    expect(await another.until(MARKER)).toEqual([]);
  });

  it('does not hear of a resource that it may not read any more, and does again when it may', async () => {
    const listener = await listen({ uris: [SECRET, MARKER] });

    library.sight.isForbidden = true;
    secret.updated();
    marker.updated();
    const whileForbidden = await listener.until(MARKER);
    library.sight.isForbidden = false;
    secret.updated();
    marker.updated();
    const afterwards = await listener.until(MARKER);

    expect(methodsOf(whileForbidden)).not.toContain(UPDATED);
    expect(afterwards.map(({ params }) => params.uri)).toEqual([SECRET]);
  });

  it('does not hear of a resource during a pause', async () => {
    const listener = await listen({ uris: [RULES, MARKER] });
    let hasAsked = () => {};
    const asked = new Promise<void>(resolve => {
      hasAsked = resolve;
    });
    library.refusing.pause = new ServiceUnavailableError('paused');
    Object.defineProperty(library.refusing.pause, 'name', {
      get: () => {
        hasAsked();
        return 'ServiceUnavailableError';
      },
    });

    marker.updated();
    await asked;
    library.refusing.pause = undefined;
    held.register(nextName());

    expect((await listener.next()).method).toBe(TOOLS);
  });
});

describe.each(clientKinds)('the client %s', kind => {
  it('hears that the list of tools has changed, and finds what is new in it', async () => {
    const client = await connectClient({ url: app.url, token: TOKENS.ada, kind });
    closers.push(client.close);
    const raw = client.raw as Client;
    const heard: string[] = [];
    raw.fallbackNotificationHandler = async ({ method }) => void heard.push(method);
    if (client.era === 'modern') {
      await raw.listen({ toolsListChanged: true });
    }

    // Those of the 2025 era open their stream when they are connected, and do not say when it is open.
    const registered: string[] = [];
    await vi.waitFor(
      async () => {
        registered.push(nextName());
        held.register(registered.at(-1) as string);
        await vi.waitFor(() => expect(heard).toContain(TOOLS), { timeout: 500, interval: 10 });
      },
      { timeout: 5_000 },
    );

    expect(raw.getServerCapabilities()?.tools).toEqual({ listChanged: true });
    expect((await client.listTools()).map(({ name }) => name)).toContain(`held.${registered[0]}`);
  });
});

describe('a session', () => {
  it('without a stream is told nothing of its own accord, so that it takes no room of what is kept for it', async () => {
    const { headers } = await app.send(initialize(), { token: TOKENS.ada });
    const inSession = { 'Mcp-Session-Id': headers.get('mcp-session-id') as string };
    const other = await listeners.session?.({ uris: [MARKER] });
    held.register(nextName());
    await other?.next();

    const { stream } = await open(app.url, { headers: { ...common(TOKENS.ada), ...inSession } });
    held.register(nextName());
    const { id } = await stream.nextMessage();

    // After the two events of the answer to `initialize`.
    expect(id).toMatch(/\.3$/);
  });
});

describe('subscriptions/listen', () => {
  it('is acknowledged first, with what is heard of what was asked for', async () => {
    const { next } = await openListen({
      toolsListChanged: true,
      promptsListChanged: false,
      resourceSubscriptions: [RULES, RULES],
      inventedListChanged: true,
    });

    expect(await next()).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/subscriptions/acknowledged',
      params: {
        notifications: { toolsListChanged: true, resourceSubscriptions: [RULES] },
        _meta: { 'io.modelcontextprotocol/subscriptionId': 'my-listen' },
      },
    });
  });

  it('carries its id on every notification, and nothing that was not asked for', async () => {
    const { next, until } = await openListen({ resourcesListChanged: true, resourceSubscriptions: [MARKER] });
    const all = await listeners.session?.({ uris: [MARKER] });
    await next();

    held.register(nextName());
    register();
    const toAll = [await all?.next(), await all?.next()];
    marker.updated();
    const heard = await until(MARKER);

    expect(methodsOf(toAll as Heard[]).sort()).toEqual([RESOURCES, TOOLS]);
    expect(methodsOf(heard)).toEqual([RESOURCES]);
    expect(heard[0]?.params._meta).toEqual({ 'io.modelcontextprotocol/subscriptionId': 'my-listen' });
  });

  it('says nothing of resources that the caller cannot see, just as of those that there are not', async () => {
    library.sight.isForbidden = true;
    const { next, until } = await openListen({ resourceSubscriptions: [SECRET, 'library://nothing', MARKER] });
    const acknowledged = await next();
    library.sight.isForbidden = false;

    marker.updated();

    expect(acknowledged.params.notifications).toEqual({ resourceSubscriptions: [MARKER] });
    expect(await until(MARKER)).toEqual([]);
  });

  it('ends at once with its result if nothing that was asked for is there to be heard', async () => {
    const { stream } = await openListen({ resourceSubscriptions: ['library://nothing'] });

    const events = await stream.rest();

    expect(events.map(({ json }) => json)).toMatchObject([
      { method: 'notifications/subscriptions/acknowledged', params: { notifications: {} } },
      { id: 'my-listen', result: { resultType: 'complete' } },
    ]);
  });

  it.each([
    ['without a filter', undefined],
    ['with URIs that are no list', { resourceSubscriptions: 'library://rules' }],
    ['with URIs that are no texts', { resourceSubscriptions: [1] }],
  ])('%s is answered with -32602', async (_name, notifications) => {
    const { body, headers } = modern('subscriptions/listen', { notifications } as never);

    const { json } = await app.send(body, { token: TOKENS.ada, headers });

    expect(json.error.code).toBe(-32602);
  });

  it('is refused with the wrong headers as every request is', async () => {
    const { body, headers } = modern('subscriptions/listen', { notifications: { toolsListChanged: true } });

    const { status, json } = await app.send(body, {
      token: TOKENS.ada,
      headers: { ...headers, 'Mcp-Method': 'tools/list' },
    });

    expect([status, json.error.code]).toEqual([400, -32020]);
  });

  it('is on record, with its end', async () => {
    const { next, stream } = await openListen({ toolsListChanged: true });
    await next();

    stream.close();

    const recorded = () =>
      app.logs
        .filter(({ eventId, status, meta }) => {
          const { transport } = (meta ?? {}) as { transport?: string };
          return eventId === 'connection' && status === 'succeeded' && transport === 'listen';
        })
        .map(({ meta }) => (meta as { actionType: string }).actionType);
    await vi.waitFor(() => expect(recorded().slice(-2)).toEqual(['established', 'closed']));
  });

  it('ends with its result when the server stops', async () => {
    const another = await startProbe({ config: { backend: backendOfTwo } });
    const { body, headers } = modern('subscriptions/listen', { notifications: { toolsListChanged: true } });
    const stream = await openEventStream(another.url, {
      method: 'POST',
      headers: { ...common(TOKENS.ada), ...headers },
      body: JSON.stringify(body),
    });
    await stream.next();

    const stopped = another.stop();
    const rest = await stream.rest();
    await stopped;

    expect(rest.map(({ json }) => json)).toMatchObject([
      {
        id: 1,
        result: { resultType: 'complete', _meta: { 'io.modelcontextprotocol/subscriptionId': 1 } },
      },
    ]);
  });
});
