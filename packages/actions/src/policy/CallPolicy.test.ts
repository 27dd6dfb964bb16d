import { type ActionEffect, type SafetyMode, safetyModes } from '@callboard/actions-api';
import { describe, expect, test } from 'vitest';
import type { CallerRule } from '../config.js';
import { callerOf } from '../testing/callers.js';
import { listedAction } from '../testing/sourceServer.js';
import { CallPolicy, findLackingProfile, rulingOnAny, type ServerRules } from './CallPolicy.js';

const write = { readOnly: false, destructive: false, idempotent: false };

function policyOf(options: {
  mode?: SafetyMode;
  profiles?: ConstructorParameters<typeof CallPolicy>[0]['profiles'];
  callers?: CallerRule[];
  servers?: Partial<ServerRules>[];
}): CallPolicy {
  const { mode = 'full_access', profiles = {}, callers = [], servers = [] } = options;
  const policy = new CallPolicy({ mode: { value: mode, config: 'backend.actions.mode' }, profiles, callers });
  for (const server of servers) {
    policy.addServer(serverOf(server));
  }
  return policy;
}

function serverOf(parts: Partial<ServerRules>): ServerRules {
  const publishes = { value: () => true, config: 'mcpActions.servers.ops.filter' };
  return { key: undefined, mode: undefined, profile: undefined, publishes, ...parts };
}

const ops = callerOf({ door: 'mcp', server: 'ops' });
const opsMode = (value: SafetyMode) => ({ key: 'ops', mode: { value, config: 'mcpActions.servers.ops.mode' } });

describe('the mode of a call', () => {
  test('is that of the deployment where nothing else is said', () => {
    expect(policyOf({ mode: 'safe' }).rulesFor(callerOf()).mode).toEqual({
      value: 'safe',
      config: 'backend.actions.mode',
    });
  });

  const combinations = safetyModes.flatMap(mode =>
    safetyModes.flatMap(ofServer => safetyModes.map(ofCaller => [mode, ofServer, ofCaller] as const)),
  );
  test.each(combinations)('is the strictest of deployment %s, server %s and caller %s', (mode, ofServer, ofCaller) => {
    const policy = policyOf({ mode, servers: [opsMode(ofServer)], callers: [{ mode: ofCaller }] });

    const strictest = safetyModes.find(one => [mode, ofServer, ofCaller].includes(one));
    const { mode: found } = policy.rulesFor(ops);
    expect(found.value).toBe(strictest);
    expect(found.config).toBe(
      mode === strictest
        ? 'backend.actions.mode'
        : ofServer === strictest
          ? 'mcpActions.servers.ops.mode'
          : 'backend.actions.callers[0].mode',
    );
  });

  test('is the strictest of all rules that fit the caller, and names the one', () => {
    const policy = policyOf({
      callers: [{ mode: 'delete_safe' }, { principal: 'user:*', mode: 'read_only' }, { mode: 'safe' }],
    });

    expect(policy.rulesFor(callerOf()).mode).toEqual({
      value: 'read_only',
      config: 'backend.actions.callers[1].mode',
    });
    expect(policy.rulesFor(callerOf({ principal: 'external:ci' })).mode).toEqual({
      value: 'safe',
      config: 'backend.actions.callers[2].mode',
    });
  });

  test("of one server is not another's, nor that of another door", () => {
    const policy = policyOf({ servers: [opsMode('read_only'), { key: 'dev' }, {}] });

    expect(policy.rulesFor(ops).mode.value).toBe('read_only');
    for (const other of [{ door: 'mcp', server: 'dev' }, { door: 'mcp' }, { door: 'http' }, { door: 'in-process' }]) {
      expect(policy.rulesFor(callerOf(other as object)).mode.value).toBe('full_access');
    }
    // Nobody comes in through HTTP under the name of a server, and if somebody did, it would mean nothing.
    expect(policy.rulesFor(callerOf({ door: 'http', server: 'ops' })).mode.value).toBe('full_access');
  });

  test('of a server that is added later holds from then on', () => {
    const policy = policyOf({});
    const before = policy.rulesFor(ops).mode.value;

    policy.addServer(serverOf(opsMode('read_only')));

    expect([before, policy.rulesFor(ops).mode.value]).toEqual(['full_access', 'read_only']);
  });
});

describe('a rule about callers', () => {
  const agent = callerOf({
    principal: 'user:default/ada',
    clientId: 'claude-code',
    door: 'mcp',
    scopes: ['openid', 'actions:read', 'actions:write'],
  });

  test.each<[Omit<CallerRule, 'mode'>, boolean]>([
    [{}, true],
    [{ principal: 'user:default/ada' }, true],
    [{ principal: 'user:default/Ada' }, true],
    [{ principal: 'User:Default/*' }, true],
    [{ principal: 'user:*' }, true],
    [{ principal: '*' }, true],
    [{ principal: 'user:default/ad' }, false],
    [{ principal: 'user:other/*' }, false],
    [{ client: 'claude-code' }, true],
    [{ client: 'claude-*' }, true],
    [{ client: 'cursor' }, false],
    [{ door: 'mcp' }, true],
    [{ door: 'http' }, false],
    [{ scope: 'actions:write' }, true],
    [{ scope: 'actions:read' }, false],
    [{ scope: 'actions:destructive' }, false],
    [{ principal: 'user:*', client: 'claude-*', door: 'mcp', scope: 'actions:write' }, true],
    [{ principal: 'external:*', client: 'claude-*', door: 'mcp', scope: 'actions:write' }, false],
    [{ principal: 'user:*', client: 'cursor', door: 'mcp', scope: 'actions:write' }, false],
    [{ principal: 'user:*', client: 'claude-*', door: 'in-process', scope: 'actions:write' }, false],
    [{ principal: 'user:*', client: 'claude-*', door: 'mcp', scope: 'actions:read' }, false],
  ])('%j fits: %s', (conditions, fits) => {
    const policy = policyOf({ callers: [{ ...conditions, mode: 'read_only' }] });

    expect(policy.rulesFor(agent).mode.value).toBe(fits ? 'read_only' : 'full_access');
  });

  test('about clients or scopes is not for callers that have none', () => {
    const policy = policyOf({
      callers: [
        { client: '*', mode: 'safe' },
        { scope: 'actions:read', mode: 'safe' },
      ],
    });

    expect(policy.rulesFor(callerOf()).mode.value).toBe('full_access');
    expect(policy.rulesFor(callerOf({ scopes: ['openid'] })).mode.value).toBe('full_access');
  });
});

describe('the profiles of a call', () => {
  test('are those of the server and of every rule that fits, with where each is said', () => {
    const policy = policyOf({
      profiles: { own: { capabilities: ['actions:read'] } },
      servers: [{ key: 'ops', profile: { value: 'operator', config: 'mcpActions.servers.ops.profile' } }],
      callers: [{ profile: 'own' }, { door: 'http', profile: 'readonly' }, { mode: 'safe' }],
    });

    const { profiles } = policy.rulesFor(ops);

    expect(profiles.map(({ value, config }) => [value.name, config])).toEqual([
      ['operator', 'mcpActions.servers.ops.profile'],
      ['own', 'backend.actions.callers[0].profile'],
    ]);
  });

  test('have to exist, or the server is not added', () => {
    const policy = policyOf({ profiles: { own: { capabilities: ['*'] } } });
    const profile = { value: 'operators', config: 'mcpActions.servers.ops.profile' };

    expect(() => policy.addServer(serverOf({ key: 'ops', profile }))).toThrow(
      'mcpActions.servers.ops.profile: expected one of the profiles agent, operator, readonly, admin, own, got "operators"',
    );
    expect(policy.serverOf(ops)).toBeUndefined();
  });

  test('that are configured take the place of built-in ones of their name', () => {
    const policy = policyOf({
      profiles: { admin: { capabilities: ['actions:read'] } },
      callers: [{ profile: 'admin' }],
    });

    const [profile] = policy.rulesFor(callerOf()).profiles;

    expect(profile?.value.has('approvals:decide')).toBe(false);
  });
});

describe('the key of rules', () => {
  test('is equal for callers to whom the same applies, and differs otherwise', () => {
    const policy = policyOf({
      callers: [{ principal: 'user:*', mode: 'safe' }, { mode: 'safe' }],
      servers: [{}, { key: 'ops' }],
    });
    const keyOf = (caller: Parameters<typeof callerOf>[0]) => policy.rulesFor(callerOf(caller)).key;

    expect(keyOf({ principal: 'user:default/ann' })).toBe(keyOf({ principal: 'user:default/ben' }));
    const keys = [
      keyOf({}),
      keyOf({ principal: 'external:ci' }),
      keyOf({ door: 'mcp' }),
      keyOf({ door: 'mcp', server: 'ops' }),
    ];
    expect(new Set(keys).size).toBe(4);
  });
});

describe('what a profile lacks for a call', () => {
  const rulesOf = (profile: string) => policyOf({ callers: [{ profile }] }).rulesFor(callerOf());
  const reading = listedAction('todo:list');
  const writing = listedAction('todo:add', { attributes: write });
  const deciding = listedAction('safety:approve', { capability: 'approvals:decide' } as object);

  test.each<[string, Parameters<typeof listedAction>[0], object, ActionEffect, boolean]>([
    ['readonly', 'todo:list', reading, 'read', false],
    ['readonly', 'todo:add', writing, 'create', true],
    // An action that says of itself that it reads, of a call that writes.
    ['readonly', 'todo:list', reading, 'delete', true],
    ['agent', 'todo:list', reading, 'delete', false],
    ['agent', 'safety:approve', deciding, 'update', true],
    ['operator', 'safety:approve', deciding, 'update', false],
    ['operator', 'todo:add', writing, 'create', true],
    ['admin', 'safety:approve', deciding, 'execute', false],
  ])('%s, %s: %j with effect %s: %s', (profile, _, action, effect, lacks) => {
    const lacking = findLackingProfile(rulesOf(profile), action as never, effect);

    expect(lacking?.value.name).toBe(lacks ? profile : undefined);
  });
});

describe('what a mode says of any call of an action', () => {
  test.each<[SafetyMode, object, string]>([
    ['read_only', {}, 'allow'],
    ['read_only', { attributes: write }, 'refuse'],
    ['safe', { attributes: write }, 'approve'],
    ['full_access', { attributes: write }, 'allow'],
    // Some input may be let through.
    ['read_only', { attributes: write, effect: 'by-input' }, 'allow'],
  ])('%s of an action with %j: %s', (mode, action, ruling) => {
    expect(rulingOnAny(policyOf({ mode }).rulesFor(callerOf()), listedAction('todo:x', action))).toBe(ruling);
  });
});

test.each(['actions:read', 'audit:read', 'alerts:read'])(
  'a write with the capability %s needs a profile that writes',
  capability => {
    const policy = policyOf({});
    const action = { ...listedAction('todo:purge', { attributes: { ...write, destructive: true } }), capability };
    const lacks = (profile: string) =>
      findLackingProfile(policy.rulesFor(callerOf({ profile })), action, 'delete') !== undefined;

    expect({ readonly: lacks('readonly'), operator: lacks('operator'), agent: lacks('agent') }).toEqual({
      readonly: true,
      operator: true,
      agent: false,
    });
  },
);
