import { createBackendPlugin } from '@backstage/backend-plugin-api';
import type { JsonObject } from '@backstage/types';
import { actionsRegistryServiceRef } from '@callboard/actions-api';
import { startTestApp } from '@callboard/test-utils';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import mcpFeatures from '../index.js';
import { createProbePlugin } from '../testing/probePlugin.js';
import { backendOfTwo, startProbe, TOKENS } from '../testing/startProbe.js';

const toolNames = ({ json }: { json: { result: { tools: { name: string }[] } } }) =>
  json.result.tools.map(({ name }) => name);

describe('tools/list', () => {
  it('describes tools with title, schemas and annotations, sorted by name', async () => {
    const app = await startProbe();

    const answer = await app.request('tools/list');

    expect(toolNames(answer)).toEqual([
      'probe.__proto__',
      'probe.answer-wrongly',
      'probe.echo',
      'probe.fail',
      'probe.nothing-said',
      'probe.wait',
    ]);
    expect(answer.json.result.tools[2]).toMatchObject({
      name: 'probe.echo',
      title: 'The echo',
      description: 'Does echo',
      inputSchema: { type: 'object', required: ['message'], properties: { count: { type: 'integer', default: 1 } } },
      outputSchema: { type: 'object', required: ['message', 'count'] },
      annotations: {
        title: 'The echo',
        readOnlyHint: true,
        destructiveHint: false,
        idempotentHint: true,
        openWorldHint: false,
      },
    });
    expect(answer.json.result.tools[3].annotations).toMatchObject({ readOnlyHint: false, destructiveHint: true });
    expect(answer.json.result.tools[4]).not.toHaveProperty('outputSchema');
    await app.stop();
  });
});

describe('servers', () => {
  it('present themselves by name, description and instructions', async () => {
    const app = await startProbe({
      config: {
        mcpActions: {
          name: 'Main',
          description: 'All of it',
          instructions: 'Be careful',
          servers: { readers: { name: 'Readers', instructions: 'Only look' } },
        },
      },
    });
    const initialize = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    };

    const main = await app.request('initialize', initialize);
    const readers = await app.request('initialize', initialize, { path: '/readers' });

    expect(main.json.result).toMatchObject({
      serverInfo: { name: 'Main', description: 'All of it' },
      instructions: 'Be careful',
      capabilities: { tools: { listChanged: true } },
    });
    expect(readers.json.result).toMatchObject({ serverInfo: { name: 'Readers' }, instructions: 'Only look' });
    await app.stop();
  });

  it('list and call only what their filter lets through, while the default server has all', async () => {
    const app = await startProbe({
      config: {
        mcpActions: {
          servers: {
            readers: {
              name: 'Readers',
              filter: { include: [{ attributes: { readOnly: true } }], exclude: [{ id: 'probe:nothing-*' }] },
            },
          },
        },
      },
    });

    const listed = toolNames(await app.request('tools/list', {}, { path: '/readers' }));
    const called = await app.call('probe.echo', { message: 'x' }, { path: '/readers' });
    const outside = await app.call('probe.fail', { with: 'InputError' }, { path: '/readers' });
    const byDefault = await app.call('probe.fail', { with: 'InputError' });

    expect(listed).toEqual(['probe.__proto__', 'probe.echo']);
    expect(called.json.result.structuredContent).toEqual({ message: 'x', count: 1 });
    expect(outside.json.error.code).toBe(-32602);
    expect(byDefault.json.result.isError).toBe(true);
    await app.stop();
  });

  it('can give names that every client takes', async () => {
    const app = await startProbe({ config: { mcpActions: { toolNameStyle: 'safe' } } });

    const names = toolNames(await app.request('tools/list'));
    const called = await app.call('probe_echo', { message: 'x' });

    expect(names).toContain('probe_answer-wrongly');
    expect(called.json.result.structuredContent.message).toBe('x');
    await app.stop();
  });

  it('report at start where two actions want one name, and publish both under longer ones', async () => {
    const { plugin } = createProbePlugin('second');
    const app = await startProbe({
      features: [plugin],
      config: {
        backend: { actions: { pluginSources: ['probe', 'second'] } },
        mcpActions: { namespacedToolNames: false },
      },
    });

    const names = toolNames(await app.request('tools/list'));

    expect(names).toContain('probe.echo');
    expect(names).toContain('second.echo');
    expect(names).not.toContain('echo');
    expect(app.logs.filter(({ level }) => level === 'error').map(({ message }) => message)).toContainEqual(
      expect.stringContaining(
        'would be the tool "echo"; they are published under longer names: probe:echo as "probe.echo", second:echo as "second.echo"',
      ),
    );
    await app.stop();
  });

  it('show a token that is restricted to some plugins the actions of just those', async () => {
    const { plugin } = createProbePlugin('second');
    const restricted = 'restricted-token-0123456789';
    const app = await startProbe({
      features: [plugin],
      config: {
        backend: {
          actions: { pluginSources: ['probe', 'second'] },
          auth: {
            externalAccess: [
              {
                type: 'static',
                options: { token: restricted, subject: 'ci' },
                accessRestrictions: [{ plugin: 'mcp-actions' }, { plugin: 'second' }],
              },
              {
                type: 'static',
                options: { token: 'elsewhere-token-0123456789', subject: 'ci' },
                accessRestrictions: [{ plugin: 'second' }],
              },
            ],
          },
        },
      },
    });

    const names = toolNames(await app.request('tools/list', {}, { token: restricted }));
    const inside = await app.call('second.echo', { message: 'x' }, { token: restricted });
    const outside = await app.call('probe.echo', { message: 'x' }, { token: restricted });
    const elsewhere = await app.request('tools/list', {}, { token: 'elsewhere-token-0123456789' });

    expect(names.length).toBeGreaterThan(0);
    expect(names.every(name => name.startsWith('second.'))).toBe(true);
    expect(inside.json.result.structuredContent.message).toBe('x');
    expect(outside.json.error).toMatchObject({ code: -32602, message: 'Unknown tool: probe.echo' });
    expect(elsewhere.status).toBe(403);
    await app.stop();
  });

  it('go on without an action whose schema cannot be published', async () => {
    const partly = createBackendPlugin({
      pluginId: 'probe',
      register(env) {
        env.registerInit({
          deps: { registry: actionsRegistryServiceRef },
          async init({ registry }) {
            const common = { title: 'T', description: 'D', action: async () => ({ output: {} }) };
            registry.register({
              ...common,
              name: 'impossible',
              schema: { input: z.object({ when: z.date() }), output: z.object({}) },
            });
            registry.register({ ...common, name: 'fine', schema: { input: z.object({}), output: z.object({}) } });
          },
        });
      },
    });
    const app = await startTestApp({
      features: [mcpFeatures, partly],
      config: { backend: { actions: { pluginSources: ['probe'] } } },
    });

    const response = await fetch(`${app.url}/api/mcp-actions/v1`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${app.token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    });

    expect(toolNames({ json: (await response.json()) as never })).toEqual(['probe.fine']);
    expect(app.logs.map(({ message }) => message)).toContainEqual(
      expect.stringContaining(
        'Action "probe:impossible" is not published: schema.input: cannot be expressed as JSON Schema',
      ),
    );
    await app.stop();
  });
});

describe('modes and profiles of servers', () => {
  const call = { message: 'x' };
  const all = [
    'probe.__proto__',
    'probe.answer-wrongly',
    'probe.echo',
    'probe.fail',
    'probe.nothing-said',
    'probe.wait',
  ];
  const reads = ['probe.__proto__', 'probe.echo', 'probe.nothing-said'];
  const serverWith = (mcpActions: JsonObject, actions: JsonObject = {}) =>
    startProbe({ config: { backend: { actions: { pluginSources: ['probe'], ...actions } }, mcpActions } });

  it('list what some input could be let through for, and refuse the rest, each server for itself', async () => {
    const app = await serverWith({ servers: { looking: { name: 'Looking', mode: 'read_only' } } });

    const byDefault = toolNames(await app.request('tools/list'));
    const looking = toolNames(await app.request('tools/list', {}, { path: '/looking' }));
    const read = await app.call('probe.echo', call, { path: '/looking' });
    const write = await app.call('probe.fail', { with: 'ConflictError' }, { path: '/looking' });

    expect(byDefault).toEqual(all);
    expect(looking).toEqual(reads);
    expect(read.json.result.structuredContent.message).toBe('x');
    expect(write.json.result).toMatchObject({
      isError: true,
      content: [
        {
          text: 'NotAllowedError: Action "probe:fail" is refused: the mode is read_only, and the call is of class delete (mcpActions.servers.looking.mode)',
        },
      ],
    });
    await app.stop();
  });

  it('never open what the deployment closes', async () => {
    const app = await serverWith(
      { mode: 'full_access', servers: { open: { name: 'Open', mode: 'full_access', profile: 'admin' } } },
      { mode: 'read_only' },
    );

    for (const path of ['', '/open']) {
      const { json } = await app.call('probe.fail', { with: 'ConflictError' }, { path });

      expect(toolNames(await app.request('tools/list', {}, { path }))).toEqual(reads);
      expect(json.result.content[0].text).toContain('the mode is read_only');
      expect(json.result.content[0].text).toContain('(backend.actions.mode)');
    }
    await app.stop();
  });

  it('hide what a profile lacks as if it did not exist', async () => {
    const app = await serverWith({ profile: 'readonly', servers: { all: { name: 'All', profile: 'admin' } } });

    const lacking = await app.call('probe.fail', { with: 'ConflictError' });
    const having = await app.call('probe.fail', { with: 'ConflictError' }, { path: '/all' });

    expect(toolNames(await app.request('tools/list'))).toEqual(reads);
    expect(toolNames(await app.request('tools/list', {}, { path: '/all' }))).toEqual(all);
    expect(lacking.json.error).toMatchObject({ code: -32602, message: 'Unknown tool: probe.fail' });
    expect(having.json.result.isError).toBe(true);
    await app.stop();
  });

  it('hold for callers by rules of their own, whoever listed before', async () => {
    const app = await startProbe({
      config: {
        backend: {
          ...backendOfTwo,
          actions: { pluginSources: ['probe'], callers: [{ principal: 'eve', profile: 'readonly' }] },
        },
      },
    });
    const namesFor = async (token: string) => toolNames(await app.request('tools/list', {}, { token }));

    const listed = [await namesFor(TOKENS.ada), await namesFor(TOKENS.eve), await namesFor(TOKENS.ada)];

    expect(listed).toEqual([all, reads, all]);
    await app.stop();
  });
});

describe('configuration', () => {
  const MODES = 'Invalid option: expected one of "read_only"|"safe"|"delete_safe"|"full_access"';
  it.each(['read_only-true', 'READ_ONLY', 'readonly', ' safe', '', true, ['safe']])(
    'a mode written as %j gives no other, the server does not start',
    async mode => {
      const mcpActions = { mode, servers: { ops: { name: 'Ops', mode } } };

      const failure = await startProbe({ config: { mcpActions } as never }).catch(error => String(error));

      expect(failure).toContain(`mcpActions.mode: ${MODES}, got ${JSON.stringify(mode)}`);
      expect(failure).toContain(`mcpActions.servers.ops.mode: ${MODES}, got ${JSON.stringify(mode)}`);
    },
  );

  it.each([
    [{ profile: 'agents' }, 'mcpActions.profile'],
    [{ servers: { ops: { name: 'Ops', profile: 'Operator' } } }, 'mcpActions.servers.ops.profile'],
    [{ servers: { ops: { name: 'Ops', profile: '__proto__' } } }, 'mcpActions.servers.ops.profile'],
  ])('an unknown profile in %j keeps the server from starting', async (mcpActions, path) => {
    await expect(startProbe({ config: { mcpActions } as never })).rejects.toThrow(
      `${path}: expected one of the profiles agent, operator, readonly, admin, got `,
    );
  });

  it('knows the profiles of backend.actions', async () => {
    const app = await startProbe({
      config: {
        backend: { actions: { pluginSources: ['probe'], profiles: { quiet: { capabilities: ['audit:read'] } } } },
        mcpActions: { profile: 'quiet' },
      },
    });

    expect(toolNames(await app.request('tools/list'))).toEqual([]);
    await app.stop();
  });

  it.each([
    [{ nmae: 'x' }, 'mcpActions.nmae: there is no such key'],
    [{ Mode: 'read_only' }, 'mcpActions.Mode: there is no such key'],
    [{ servers: { a: { name: 'x', modes: 'safe' } } }, 'mcpActions.servers.a.modes: there is no such key'],
    [{ profile: '' }, 'mcpActions.profile: Too small'],
    [{ servers: { 'Not Good': { name: 'x' } } }, 'mcpActions.servers.Not Good: Invalid MCP server key'],
    [{ servers: { sse: { name: 'x' } } }, 'mcpActions.servers.sse'],
    [{ servers: { a: {} } }, 'mcpActions.servers.a.name: expected string, got nothing'],
    [{ toolNameStyle: 'slashes' }, 'mcpActions.toolNameStyle'],
    [{ maxRequestBodyBytes: '5mb' }, 'mcpActions.maxRequestBodyBytes: expected number, got "5mb"'],
    [{ allowedOrigins: ['https://a.example/path'] }, 'mcpActions.allowedOrigins.0: expected an origin'],
    [
      { servers: { a: { name: 'x', filter: { include: [{ attributes: { readonly: true } }] } } } },
      'mcpActions.servers.a.filter.include.0.attributes.readonly: there is no such key',
    ],
  ])('refuses to start with %j', async (mcpActions, message) => {
    await expect(startProbe({ config: { mcpActions } as never })).rejects.toThrow(message);
  });

  it('names all mistakes at once', async () => {
    const mcpActions = { nmae: 'x', namespacedToolNames: 'yes', sessions: { maxSessions: 0 } };

    const failure = await startProbe({ config: { mcpActions } }).catch(error => String(error));

    expect(failure).toContain('mcpActions.nmae');
    expect(failure).toContain('mcpActions.namespacedToolNames: expected boolean, got "yes"');
    expect(failure).toContain('mcpActions.sessions.maxSessions');
  });
});
