import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { actionsRegistryServiceRef } from '@callboard/actions-api';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { modern, startProbe } from '../testing/startProbe.js';

/** A plugin whose actions have tool names of their own; it registers them once `after` is over. */
function namingPlugin(pluginId: string, names: Record<string, string | undefined>, after?: Promise<unknown>) {
  let registered = () => {};
  const isRegistered = new Promise<void>(resolve => {
    registered = resolve;
  });
  const plugin = createBackendPlugin({
    pluginId,
    register(env) {
      env.registerInit({
        deps: { registry: actionsRegistryServiceRef },
        async init({ registry }) {
          await after;
          try {
            for (const [name, toolName] of Object.entries(names)) {
              registry.register({
                name,
                title: `The ${name}`,
                description: `Does ${name}`,
                schema: { input: z.object({}), output: z.object({ done: z.string() }) },
                attributes: { readOnly: true },
                ...(toolName && { toolName }),
                action: async () => ({ output: { done: `${pluginId}:${name}` } }),
              });
            }
          } finally {
            registered();
          }
        },
      });
    },
  });
  return { plugin, isRegistered };
}

const start = (mcpActions: object, plugins: { plugin: unknown }[], actions: object = {}) =>
  startProbe({
    features: plugins.map(({ plugin }) => plugin),
    config: { backend: { actions: { pluginSources: ['probe', 'docs', 'logs'], ...actions } }, mcpActions } as never,
  });

const exactOn = (key: string, more: object = {}) => ({
  servers: { [key]: { name: key, toolNames: 'exact', ...more } },
});

describe('on a server with exact names', () => {
  it('an action that declares a tool name has just that, and elsewhere the usual one', async () => {
    const app = await start(exactOn('agents', { filter: { include: [{ id: 'docs:*' }] } }), [
      namingPlugin('docs', { search: 'search_docs', list: undefined }),
    ]);
    const names = async (path: string) =>
      (await app.request('tools/list', {}, { path })).json.result.tools.map(({ name }: { name: string }) => name);

    const exact = await app.call('search_docs', {}, { path: '/agents' });
    const usual = await app.call('docs.search', {}, { path: '/agents' });

    expect(await names('/agents')).toEqual(['docs.list', 'search_docs']);
    expect(await names('')).toContain('docs.search');
    expect(exact.json.result.structuredContent).toEqual({ done: 'docs:search' });
    expect(usual.json.error).toMatchObject({ code: -32602, message: 'Unknown tool: docs.search' });
    await app.stop();
  });

  const first = namingPlugin('docs', { search: 'find' });
  it.each([
    ['declare one name', [namingPlugin('docs', { search: 'find', look: 'find' })], 'find', 'docs:search', 'docs:look'],
    [
      'of two plugins declare one name',
      [first, namingPlugin('logs', { search: 'find' }, first.isRegistered)],
      'find',
      'docs:search',
      'logs:search',
    ],
    [
      'want one name, the first as its usual one',
      [namingPlugin('docs', { search: undefined, look: 'docs.search' })],
      'docs.search',
      'docs:search',
      'docs:look',
    ],
    [
      'want one name, the second as its usual one',
      [namingPlugin('docs', { look: 'docs.search', search: undefined })],
      'docs.search',
      'docs:look',
      'docs:search',
    ],
  ])('two actions that %s stop the start', async (_case, plugins, name, one, other) => {
    const failure = await start(exactOn('agents'), plugins).catch(error => String(error.stack ?? error));

    expect(failure).toContain(
      `mcpActions.servers.agents.toolNames: exact: expected one action with the tool name "${name}", got "${one}" and "${other}"`,
    );
  });

  it.each([
    ['search_tools', { discovery: 'search' }],
    ['call_tool', { discovery: 'search' }],
    ['read_output', { maxOutputCharacters: 5_000 }],
  ])("an action that declares the name of the server's own tool %s stops the start", async (toolName, more) => {
    const failure = await start({ toolNames: 'exact', ...more }, [namingPlugin('docs', { search: toolName })]).catch(
      error => String(error.stack ?? error),
    );

    expect(failure).toContain(
      `mcpActions.toolNames: exact: the action "docs:search" has the tool name "${toolName}", which is that of a tool of the server itself`,
    );
  });

  it.each([
    ['the server leaves one out', exactOn('agents', { filter: { exclude: [{ id: 'logs:*' }] } })],
    ['the name is not enabled', exactOn('agents', { enabledTools: ['docs.list'] })],
    ['no server has exact names', { servers: { agents: { name: 'agents' } } }],
  ])('two actions with one name are no reason where %s', async (_case, mcpActions) => {
    const app = await start(mcpActions, [
      namingPlugin('docs', { search: 'find', list: undefined }),
      namingPlugin('logs', { search: 'find' }),
    ]);

    expect((await app.request('tools/list', {}, { path: '/agents' })).status).toBe(200);
    await app.stop();
  });
});

describe('enabledTools', () => {
  const plugins = () => [namingPlugin('docs', { search: 'search_docs', list: undefined, write: undefined })];

  it('leaves everything else unknown: not listed, not called', async () => {
    const app = await start(exactOn('agents', { enabledTools: ['search_docs', 'docs.l*'] }), plugins());
    const { json } = await app.request('tools/list', {}, { path: '/agents' });
    const listed = await app.call('docs.list', {}, { path: '/agents' });
    const other = await app.call('docs.write', {}, { path: '/agents' });

    expect(json.result.tools.map(({ name }: { name: string }) => name)).toEqual(['docs.list', 'search_docs']);
    expect(listed.json.result.structuredContent).toEqual({ done: 'docs:list' });
    expect(other.json.error).toMatchObject({ code: -32602, message: 'Unknown tool: docs.write' });
    await app.stop();
  });

  it('warns at start of names that no tool has, with the key', async () => {
    const app = await start(exactOn('agents', { enabledTools: ['search_dosc', 'search_docs', 'nothing*'] }), plugins());

    const warnings = app.logs.filter(({ level }) => level === 'warn').map(({ message }) => String(message));

    expect(warnings.filter(message => message.includes('enabledTools'))).toEqual([
      'mcpActions.servers.agents.enabledTools: "search_dosc" is the name of no tool that is known yet',
    ]);
    await app.stop();
  });

  it('goes over what can be found where tools are searched, whose own tools are always there', async () => {
    const app = await start({ discovery: 'search', enabledTools: ['docs.list'] }, plugins());
    const { json } = await app.request('tools/list');
    const found = await app.call('search_tools', { query: 'search docs' });
    const described = await app.call('describe_tool', { name: 'docs.search' });
    const called = await app.call('call_tool', { name: 'docs.search', arguments: {} });

    expect(json.result.tools.map(({ name }: { name: string }) => name)).toEqual([
      'call_tool',
      'describe_tool',
      'search_tools',
    ]);
    expect(found.json.result.structuredContent).toMatchObject({ total: 1, tools: [{ name: 'docs.list' }] });
    expect(described.json.result).toMatchObject({ isError: true });
    expect(called.json.error.message).toBe('Unknown tool: docs.search; similar: docs.list');
    await app.stop();
  });
});

describe('pages of tools/list', () => {
  const ask = {
    '2025': { body: (params: object) => ({ jsonrpc: '2.0', id: 1, method: 'tools/list', params }), headers: {} },
    '2026': {
      body: (params: object) => modern('tools/list', params as never).body,
      headers: modern('tools/list').headers,
    },
  };

  it.each(['2025', '2026'] as const)('have all tools once and in order, in the %s era', async era => {
    const { body, headers } = ask[era];
    const app = await start({ pageSize: 2 }, [namingPlugin('docs', { a: undefined, b: undefined, c: undefined })]);
    const pages: string[][] = [];
    let cursor: string | undefined;

    do {
      const { json } = await app.send(body(cursor === undefined ? {} : { cursor }), { headers });
      pages.push(json.result.tools.map(({ name }: { name: string }) => name));
      cursor = json.result.nextCursor;
    } while (cursor !== undefined);
    const wrong = await app.send(body({ cursor: 'made up' }), { headers });

    const names = pages.flat();
    expect(pages.slice(0, -1).map(({ length }) => length)).toEqual(pages.slice(0, -1).map(() => 2));
    expect(names).toEqual([...new Set(names)].sort());
    expect(names).toEqual(expect.arrayContaining(['docs.a', 'docs.b', 'docs.c', 'probe.echo']));
    expect(wrong.json.error).toMatchObject({ code: -32602, message: expect.stringContaining('Invalid cursor') });
    await app.stop();
  });
});
