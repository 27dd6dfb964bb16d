import { ConfigReader } from '@backstage/config';
import { afterEach, describe, expect, test } from 'vitest';
import { readActionsConfig } from './config.js';
import { actionsPlugin } from './testing/actionsPlugin.js';
import { startTestBackend, type TestBackend } from './testing/startTestBackend.js';

const baseUrl = 'http://localhost:7007';
const read = (actions?: unknown) =>
  readActionsConfig(new ConfigReader({ backend: { baseUrl, actions: actions as never } }));

function mistakesIn(actions: unknown): string[] {
  try {
    read(actions);
    return [];
  } catch (error) {
    const [heading, ...mistakes] = (error as Error).message.split('\n');
    expect(heading).toBe('Wrong configuration:');
    expect((error as Error).name).toBe('InputError');
    return mistakes.map(line => line.trim());
  }
}

describe('what is not given', () => {
  test.each([[undefined], [{}]])('has defaults: %j', actions => {
    expect(read(actions)).toEqual({
      pluginSources: undefined,
      filter: {},
      mode: { value: 'safe', config: 'backend.actions.mode (the default)' },
      environment: baseUrl,
      profiles: {},
      callers: [],
      timeoutSeconds: 300,
      approval: { elicitation: true, lifetimeMinutes: 60 },
      replicas: { prefix: 'callboard' },
      remote: { cacheSeconds: 30, timeoutSeconds: 5, invokeTimeoutSeconds: 300 },
    });
  });

  test('beside what is given keeps its default', () => {
    expect(read({ remote: { cacheSeconds: 0 } }).remote).toEqual({
      cacheSeconds: 0,
      timeoutSeconds: 5,
      invokeTimeoutSeconds: 300,
    });
  });
});

test('what is given is read', () => {
  const actions = {
    pluginSources: ['todo', 'catalog'],
    filter: { include: [{ id: 'todo:*', attributes: { readOnly: true } }], exclude: [{}] },
    mode: 'delete_safe',
    environment: 'production',
    profiles: {
      reviewer: { capabilities: ['actions:read', 'reports:*'], filter: { exclude: [{ id: 'todo:purge-*' }] } },
      all: { capabilities: ['*'] },
    },
    callers: [
      { principal: 'user:default/*', client: 'claude-*', door: 'mcp', scope: 'actions:read', mode: 'read_only' },
      { profile: 'reviewer' },
      { profile: 'operator' },
    ],
    timeoutSeconds: 30,
    approval: { elicitation: false, lifetimeMinutes: 1 },
    replicas: { redis: 'rediss://ada:hunter2@redis.internal:6380/2', prefix: 'board:blue', secret: 'x'.repeat(32) },
    remote: { cacheSeconds: 1, timeoutSeconds: 0.5, invokeTimeoutSeconds: 60 },
  };

  expect(read(actions)).toEqual({ ...actions, mode: { value: 'delete_safe', config: 'backend.actions.mode' } });
});

test('no sources at all are not the same as none given', () => {
  expect(read({ pluginSources: [] }).pluginSources).toEqual([]);
});

describe('a mistake is named with its path, what was expected and what came', () => {
  test.each<[unknown, string]>([
    [{ pluginSource: ['todo'] }, 'backend.actions.pluginSource: there is no such key'],
    [{ pluginSources: 'todo' }, 'backend.actions.pluginSources: expected array, got "todo"'],
    [{ pluginSources: [1] }, 'backend.actions.pluginSources.0: expected string, got 1'],
    [
      { pluginSources: [''] },
      'backend.actions.pluginSources.0: Too small: expected string to have >=1 characters, got ""',
    ],
    [{ filter: [] }, 'backend.actions.filter: expected object, got []'],
    [{ filter: { includes: [] } }, 'backend.actions.filter.includes: there is no such key'],
    [{ filter: { include: {} } }, 'backend.actions.filter.include: expected array, got {}'],
    [{ filter: { exclude: [{ ids: 'a' }] } }, 'backend.actions.filter.exclude.0.ids: there is no such key'],
    [
      { filter: { include: [{ attributes: { readonly: true } }] } },
      'backend.actions.filter.include.0.attributes.readonly: there is no such key',
    ],
    [
      { filter: { include: [{ attributes: { readOnly: 'yes' } }] } },
      'backend.actions.filter.include.0.attributes.readOnly: expected boolean, got "yes"',
    ],
    [{ approval: { elicitation: 'yes' } }, 'backend.actions.approval.elicitation: expected boolean, got "yes"'],
    [{ approval: { elicit: false } }, 'backend.actions.approval.elicit: there is no such key'],
    [
      { approval: { lifetimeMinutes: 0 } },
      'backend.actions.approval.lifetimeMinutes: Too small: expected number to be >=1, got 0',
    ],
    [
      { approval: { lifetimeMinutes: 10_081 } },
      'backend.actions.approval.lifetimeMinutes: Too big: expected number to be <=10080, got 10081',
    ],
    [
      { replicas: { redis: 'http://ada:hunter2@redis.internal' } },
      'backend.actions.replicas.redis: expected redis://[user:password@]host[:port][/database], or rediss:// for TLS, got "***"',
    ],
    [
      { replicas: { redis: 'redis://:hunter2@redis.internal/callboard' } },
      'backend.actions.replicas.redis: expected nothing but the number of a database after host and port, got "***"',
    ],
    [
      { replicas: { redis: { url: 'redis://:hunter2@redis.internal' } } },
      'backend.actions.replicas.redis: expected string, got {"url":"***"}',
    ],
    [
      { replicas: { prefix: 'a*' } },
      'backend.actions.replicas.prefix: expected up to 100 letters, digits, "_", "-" and ":", got "a*"',
    ],
    [
      { replicas: { secret: 'hunter2' } },
      'backend.actions.replicas.secret: Too small: expected string to have >=32 characters, got ***',
    ],
    [{ replicas: { url: 'redis://redis' } }, 'backend.actions.replicas.url: there is no such key'],
    [
      { profiles: { Ops: { capabilities: ['*'] } } },
      'backend.actions.profiles.Ops: expected a name of lowercase letters, digits and "-"',
    ],
    [
      { profiles: { ops: { capabilities: ['actions:Read'] } } },
      'backend.actions.profiles.ops.capabilities.0: expected a capability such as actions:read, approvals:* or *, got "actions:Read"',
    ],
    [
      { profiles: { ops: { capabilities: [] } } },
      'backend.actions.profiles.ops.capabilities: Too small: expected array to have >=1 items, got []',
    ],
    [
      { profiles: { ops: { capabilities: ['*'], mode: 'safe' } } },
      'backend.actions.profiles.ops.mode: there is no such key',
    ],
    [
      { profiles: { ops: { capabilities: ['*'], filter: { includes: [] } } } },
      'backend.actions.profiles.ops.filter.includes: there is no such key',
    ],
    [
      { callers: [{ principal: 'user:default/ada' }] },
      'backend.actions.callers.0: expected a mode, a profile or both, got {"principal":"user:default/ada"}',
    ],
    [
      { callers: [{ profile: 'operators' }] },
      'backend.actions.callers.0.profile: expected one of the profiles agent, operator, readonly, admin, got "operators"',
    ],
    [
      { profiles: { ops: { capabilities: ['*'] } }, callers: [{ profile: 'agent' }, { profile: 'opps' }] },
      'backend.actions.callers.1.profile: expected one of the profiles agent, operator, readonly, admin, ops, got "opps"',
    ],
    [{ callers: [{ principle: 'x', mode: 'safe' }] }, 'backend.actions.callers.0.principle: there is no such key'],
    [
      { callers: [{ door: 'web', mode: 'safe' }] },
      'backend.actions.callers.0.door: Invalid option: expected one of "mcp"|"http"|"in-process", got "web"',
    ],
    [
      { callers: [{ scope: 'actions:all', mode: 'safe' }] },
      'backend.actions.callers.0.scope: Invalid option: expected one of "actions:read"|"actions:write"|"actions:destructive", got "actions:all"',
    ],
    [{ remote: { ttl: 5 } }, 'backend.actions.remote.ttl: there is no such key'],
    [
      { remote: { cacheSeconds: 'half a minute' } },
      'backend.actions.remote.cacheSeconds: expected number, got "half a minute"',
    ],
    [
      { remote: { timeoutSeconds: 0 } },
      'backend.actions.remote.timeoutSeconds: Too small: expected number to be >=0.1, got 0',
    ],
    [
      { remote: { timeoutSeconds: 301 } },
      'backend.actions.remote.timeoutSeconds: Too big: expected number to be <=300, got 301',
    ],
    ['todo', 'backend.actions: expected object, got "todo"'],
    [['todo'], 'backend.actions: expected object, got ["todo"]'],
  ])('%j', (actions, mistake) => {
    expect(mistakesIn(actions)).toEqual([mistake]);
  });

  test('and all mistakes are named at once', () => {
    const mistakes = mistakesIn({
      pluginSource: ['todo'],
      pluginSources: [1, true],
      filter: { include: [{ attributes: { readOnly: 1, safe: true } }] },
      remote: { cacheSeconds: -1, timeoutSeconds: 'long' },
    });

    expect(mistakes.map(mistake => mistake.split(': ')[0]).sort()).toEqual([
      'backend.actions.filter.include.0.attributes.readOnly',
      'backend.actions.filter.include.0.attributes.safe',
      'backend.actions.pluginSource',
      'backend.actions.pluginSources.0',
      'backend.actions.pluginSources.1',
      'backend.actions.remote.cacheSeconds',
      'backend.actions.remote.timeoutSeconds',
    ]);
  });

  test('and keys that are names of something else in JavaScript are mistakes, too', () => {
    const actions = JSON.parse('{"constructor":1,"toString":{}}');

    expect(mistakesIn(actions).sort()).toEqual([
      'backend.actions.constructor: there is no such key',
      'backend.actions.toString: there is no such key',
    ]);
  });
});

describe('a mode that is not written as it should be never gives another', () => {
  const MODES = 'Invalid option: expected one of "read_only"|"safe"|"delete_safe"|"full_access"';

  test.each([
    'read_only-true',
    'read-only',
    'readonly',
    'READ_ONLY',
    'Safe',
    ' safe',
    'safe ',
    'full',
    '',
    'constructor',
    '__proto__',
    true,
    false,
    1,
    ['safe'],
    { value: 'safe' },
  ])('%j', mode => {
    expect(mistakesIn({ mode })).toEqual([`backend.actions.mode: ${MODES}, got ${JSON.stringify(mode)}`]);
    expect(mistakesIn({ callers: [{ mode }] })).toEqual([
      `backend.actions.callers.0.mode: ${MODES}, got ${JSON.stringify(mode)}`,
    ]);
  });

  test.each(['Mode', 'modes', 'safetyMode', 'readOnly'])('under the key %s', key => {
    expect(mistakesIn({ [key]: 'read_only' })).toEqual([`backend.actions.${key}: there is no such key`]);
  });
});

describe('a backend', () => {
  let backend: TestBackend | undefined;
  afterEach(() => backend?.stop());

  test('with a mistyped key does not start', async () => {
    const start = async () => {
      backend = await startTestBackend({
        features: [actionsPlugin('todo', () => {})],
        backendConfig: { actions: { pluginSource: ['todo'] } },
      });
    };

    await expect(start()).rejects.toThrow('backend.actions.pluginSource: there is no such key');
  });

  test('with a mistyped mode does not start', async () => {
    const start = async () => {
      backend = await startTestBackend({
        features: [actionsPlugin('todo', () => {})],
        backendConfig: { actions: { mode: 'read_only-true' } },
      });
    };

    await expect(start()).rejects.toThrow('backend.actions.mode: Invalid option');
  });
});
