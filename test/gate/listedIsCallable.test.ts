import { type BackstageCredentials, createBackendPlugin } from '@backstage/backend-plugin-api';
import { CallPolicy } from '@callboard/actions';
import { type ActionEffect, actionEffects, visibilityRulesServiceRef } from '@callboard/actions-api';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import { type ClientKind, clientKinds, connectClient, post, startTestApp, type TestApp } from '@callboard/test-utils';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { actionsPlugin, inProcessCaller } from '../../packages/actions/src/testing/actionsPlugin.js';
import { decidingPermissions } from '../../packages/actions/src/testing/permissions.js';
import { changeablePolicy } from './testing/changeablePolicy.js';
import { grantedTokens } from './testing/grantedTokens.js';
import { actionArbitrary, callerArbitrary, filterArbitrary, rulesArbitrary, toAction } from './testing/randomRules.js';

const seed = 20_260_728;
const RUNS = 250;
const RUNS_OF_CLIENTS = 15;
const ACTIONS_PER_PLUGIN = 30;
const CALLS_PER_RUN = 8;

const plugins = ['stage', 'lights'];
const serverKeys = [undefined, 'one', 'two', 'three'];
const names = Array.from({ length: ACTIONS_PER_PLUGIN }, (_, index) => `a-${index}`);
const actionIds = plugins.flatMap(plugin => names.map(name => `${plugin}:${name}`));

type Rules = typeof rules extends fc.Arbitrary<infer T> ? T : never;
type Caller = typeof callerArbitrary extends fc.Arbitrary<infer T> ? T : never;
const rules = rulesArbitrary({ actionIds, serverKeys });

/** A way to list and call; ids of actions are what tools are known by. */
interface Way {
  list(): Promise<string[]>;
  /** @returns what a call was refused with; undefined if it ran. */
  call(id: string, as: ActionEffect): Promise<string | undefined>;
}

let app: TestApp;
let tokens: Awaited<ReturnType<typeof grantedTokens>>;
const local = inProcessCaller();
const policy = changeablePolicy();
let held = { version: 0, ids: new Set<string>() };
let lacking = new Set<string>();
/** Actions whose effect depends on the input. */
const byInput = new Set<string>();
/** How many calls were refused for which reason: what never happens would prove nothing. */
const seen = new Map<string, number>();

beforeAll(async () => {
  console.info(`Seed of the random rules: ${seed}`);
  tokens = await grantedTokens();
  const sample = <T>(arbitrary: fc.Arbitrary<T>, count: number) => fc.sample(arbitrary, { seed, numRuns: count });
  const definitions = sample(actionArbitrary, actionIds.length);
  for (const [index, id] of actionIds.entries()) {
    if (definitions[index]?.effect === 'by-input') {
      byInput.add(id);
    }
  }
  const filters = sample(filterArbitrary, serverKeys.length);
  const servers = Object.fromEntries(
    serverKeys.flatMap((key, index) => (key ? [[key, { name: key, filter: filters[index] }]] : [])),
  );
  app = await startTestApp({
    features: [
      mcpFeatures,
      policy.feature,
      tokens.feature,
      local.feature,
      decidingPermissions(permission => !lacking.has(permission)).feature,
      holdingPlugin,
      ...plugins.map((plugin, of) =>
        actionsPlugin(plugin, registry => {
          for (const [index, name] of names.entries()) {
            const definition = definitions[of * names.length + index];
            registry.register(toAction(name, definition as NonNullable<typeof definition>));
          }
        }),
      ),
    ],
    config: {
      auth: { clients: [{}] },
      mcpActions: { servers: servers as never },
      backend: {
        actions: { pluginSources: plugins, filter: { exclude: [{ id: '*:a-7' }] } },
        auth: {
          externalAccess: ['service-one', 'service-two'].map(name => ({
            type: 'static',
            options: { token: `token-of-${name}`, subject: name },
          })),
        },
      },
    },
  });
  expect(app.logs.filter(({ level }) => level === 'error')).toEqual([]);
});
afterAll(() => app?.stop());

const holdingPlugin = createBackendPlugin({
  pluginId: 'holding',
  register(env) {
    env.registerInit({
      deps: { visibilityRules: visibilityRulesServiceRef },
      async init({ visibilityRules }) {
        visibilityRules.add({
          id: 'held',
          get version() {
            return String(held.version);
          },
          allows: ({ id }) => !held.ids.has(id),
        });
      },
    });
  },
});

/** Puts rules in the place of those that held so far. */
function change({ mode, profiles, callers, servers, ...more }: Rules): void {
  const next = new CallPolicy({ mode: { value: mode, config: 'backend.actions.mode' }, profiles, callers });
  for (const [index, key] of serverKeys.entries()) {
    const { mode: own, profile } = servers[index] as (typeof servers)[number];
    next.addServer({
      key,
      mode: own && { value: own, config: `mcpActions.servers.${key}.mode` },
      profile: { value: profile, config: `mcpActions.servers.${key}.profile` },
      publishes: { value: () => true, config: '' },
    });
  }
  policy.change(next);
  held = { version: held.version + 1, ids: new Set(more.held) };
  lacking = new Set(more.lacking);
}

function tokenOf(caller: Caller): Promise<string> | string {
  switch (caller.kind) {
    case 'service':
      return `token-of-${caller.name}`;
    case 'person':
      return tokens.userToken(caller.name);
    case 'grant':
      return tokens.accessToken({ person: caller.name, clientId: caller.clientId, scopes: caller.scopes });
  }
}

const toolOf = (id: string) => id.replace(':', '.');
const idOf = (tool: string) => tool.replace('.', ':');
const mcpUrl = (server: string | undefined) => `${app.url}/api/mcp-actions/v1${server ? `/${server}` : ''}`;

/** What a tool result says, or an error of the protocol. */
// biome-ignore lint/suspicious/noExplicitAny: answers of every shape.
function refusalIn({ result, error }: any): string | undefined {
  return error ? error.message : result.isError ? result.content[0].text : undefined;
}

function overMcp(
  era: 'legacy' | 'modern',
  { token, server, asked }: { token: string; server: string | undefined; asked: string | undefined },
): Way {
  const request = async (method: string, params: { name?: string; arguments?: object }) => {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const isModern = era === 'modern';
    const headers = {
      ...(asked && { 'Callboard-Profile': asked }),
      ...(isModern && { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': method }),
      ...(isModern && params.name && { 'Mcp-Name': params.name }),
    };
    const message = { jsonrpc: '2.0', id: 1, method, params: { ...params, ...(isModern && { _meta }) } };
    return (await post(mcpUrl(server), message, { token, headers })).message;
  };
  return {
    async list() {
      const { result } = await request('tools/list', {});
      return result.tools.map(({ name }: { name: string }) => idOf(name));
    },
    call: async (id, as) => refusalIn(await request('tools/call', { name: toolOf(id), arguments: { as } })),
  };
}

function overHttp(token: string): Way {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  const path = (plugin: string) => `${app.url}/api/${plugin}/.backstage/actions`;
  return {
    async list() {
      const lists = plugins.map(async plugin => {
        const response = await fetch(`${path(plugin)}/v1/actions`, { headers });
        return ((await response.json()) as { actions: { id: string }[] }).actions.map(({ id }) => id);
      });
      return (await Promise.all(lists)).flat();
    },
    async call(id, as) {
      const [plugin = ''] = id.split(':');
      const url = `${path(plugin)}/v2/actions/${id}/invoke`;
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ input: { as } }) });
      const { error } = (await response.json()) as { error?: Error };
      return error && `${error.name}: ${error.message}`;
    },
  };
}

function inProcess(credentials: BackstageCredentials): Way {
  return {
    list: async () => (await local.actions.list({ credentials })).actions.map(({ id }) => id),
    call: (id, as) =>
      local.actions.invoke({ id, input: { as }, credentials }).then(
        () => undefined,
        error => `${error.name}: ${error.message}`,
      ),
  };
}

const reasons: [string, RegExp][] = [
  ['unknown', /^Unknown tool: |^NotFoundError: Action ".*" not found$/],
  ['mode', / is refused: the mode is /],
  ['profile', / which the profile .* does not have /],
  ['challenge', /The tool needs the scope |Insufficient scope: /],
  ['scope', / needs the scope .*, granted: /],
  ['approval', / needs approval /],
];

function reasonOf(refusal: string | undefined): string {
  const reason = refusal === undefined ? 'ran' : reasons.find(([, words]) => words.test(refusal))?.[0];
  if (!reason) {
    throw new Error(`A call was refused for a reason of which this test knows nothing: ${refusal}`);
  }
  seen.set(reason, (seen.get(reason) ?? 0) + 1);
  return reason;
}

/**
 * Whether there is an input with which a call is let through, or would be once a person had consented.
 * What is not listed may be refused for want of a scope as well: what matters there is that no client
 * is sent for more scopes.
 */
async function isCallable(way: Way, id: string, isListed: boolean): Promise<boolean> {
  const refusals = ['unknown', 'mode', 'profile', ...(isListed ? [] : ['scope'])];
  for (const effect of byInput.has(id) ? actionEffects : ['read' as const]) {
    const reason = reasonOf(await way.call(id, effect));
    if (!refusals.includes(reason)) {
      return true;
    }
    if (reason === 'unknown') {
      // Whoever may not see an action has no input that changes that.
      return false;
    }
  }
  return false;
}

/** Checks both directions on some of what is listed and some of what is not. */
async function expectListedIsCallable(way: Way, pick: readonly number[]): Promise<void> {
  const list = await way.list();
  const listed = new Set(list);
  const unlisted = actionIds.filter(id => !listed.has(id));
  const chosen = pick.flatMap(number =>
    [list, unlisted].flatMap(ids => (ids.length > 0 ? [ids[number % ids.length] as string] : [])),
  );

  const found = await Promise.all(
    [...new Set(chosen)].map(async id => ({
      id,
      listed: listed.has(id),
      callable: await isCallable(way, id, listed.has(id)),
    })),
  );

  expect(list).toEqual([...listed]);
  expect(found.filter(({ listed: isListed, callable }) => isListed !== callable)).toEqual([]);
}

const pickArbitrary = fc.array(fc.nat({ max: 1_000 }), { minLength: CALLS_PER_RUN / 2, maxLength: CALLS_PER_RUN / 2 });
const serverArbitrary = fc.constantFrom(...serverKeys);
const parameters = (numRuns: number) => ({ seed, numRuns, endOnFailure: true });

describe('whatever the rules, an action is listed if and only if it can be called', () => {
  it(`over HTTP, in process and at MCP servers of both eras (${RUNS} sets of rules)`, {
    timeout: 120_000,
  }, async () => {
    const property = fc.asyncProperty(
      rules,
      callerArbitrary,
      serverArbitrary,
      pickArbitrary,
      async (given, caller, server, pick) => {
        change(given);
        const token = await tokenOf(caller);

        await expectListedIsCallable(overMcp('legacy', { token, server, asked: given.asked }), pick);
        await expectListedIsCallable(overMcp('modern', { token, server, asked: given.asked }), pick);
        // Access tokens are good for MCP servers only.
        if (caller.kind !== 'grant') {
          await expectListedIsCallable(overHttp(token), pick);
          await expectListedIsCallable(inProcess(await local.authenticate(token)), pick);
        }
      },
    );

    await fc.assert(property, parameters(RUNS));

    console.info(`Calls: ${[...seen].map(([reason, count]) => `${reason} ${count}`).join(', ')}`);
    for (const reason of ['ran', ...reasons.map(([name]) => name)]) {
      expect(seen.get(reason), reason).toBeGreaterThan(reason === 'scope' ? 0 : 10);
    }
  });

  it.each(clientKinds)(`for the client %s (${RUNS_OF_CLIENTS} sets of rules)`, async kind => {
    const property = fc.asyncProperty(
      rules,
      callerArbitrary,
      serverArbitrary,
      pickArbitrary,
      async (given, caller, server, pick) => {
        change(given);
        const token = await tokenOf(caller);

        await withClient({ url: mcpUrl(server), token, kind }, way => expectListedIsCallable(way, pick));
      },
    );

    await fc.assert(property, parameters(RUNS_OF_CLIENTS));
  });

  async function withClient(
    options: { url: string; token: string; kind: ClientKind },
    check: (way: Way) => Promise<void>,
  ) {
    const client = await connectClient(options);
    try {
      await check({
        list: async () => (await client.listTools()).map(({ name }) => idOf(name)),
        call: (id, as) =>
          client.callTool(toolOf(id), { as }).then(
            result => refusalIn({ result }),
            error => error.message.replace(/^MCP error -32602: /, ''),
          ),
      });
    } finally {
      await client.close();
    }
  }
});
