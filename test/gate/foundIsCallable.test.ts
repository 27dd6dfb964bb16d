import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { CallPolicy } from '@callboard/actions';
import { actionEffects, visibilityRulesServiceRef } from '@callboard/actions-api';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import { post, startTestApp, type TestApp } from '@callboard/test-utils';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { actionsPlugin } from '../../packages/actions/src/testing/actionsPlugin.js';
import { decidingPermissions } from '../../packages/actions/src/testing/permissions.js';
import { changeablePolicy } from './testing/changeablePolicy.js';
import { grantedTokens } from './testing/grantedTokens.js';
import { actionArbitrary, callerArbitrary, rulesArbitrary, toAction } from './testing/randomRules.js';
import { recordingTrail } from './testing/recordingTrail.js';

const seed = 20_260_729;
const RUNS = 60;
const NAMES_PER_RUN = 6;

/** Two servers that differ in nothing but how their tools are found. */
const serverKeys = ['listing', 'searching'];
const plugins = ['stage', 'lights'];
const names = Array.from({ length: 20 }, (_, index) => `act-${index}`);
const actionIds = plugins.flatMap(plugin => names.map(name => `${plugin}:${name}`));
const rules = rulesArbitrary({ actionIds, serverKeys });

type Rules = typeof rules extends fc.Arbitrary<infer T> ? T : never;
type Caller = typeof callerArbitrary extends fc.Arbitrary<infer T> ? T : never;
// biome-ignore lint/suspicious/noExplicitAny: answers of every shape.
type Message = any;

let app: TestApp;
let tokens: Awaited<ReturnType<typeof grantedTokens>>;
const policy = changeablePolicy();
const trail = recordingTrail();
let held = { version: 0, ids: new Set<string>() };
let lacking = new Set<string>();

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

beforeAll(async () => {
  tokens = await grantedTokens();
  const definitions = fc.sample(actionArbitrary, { seed, numRuns: actionIds.length });
  app = await startTestApp({
    features: [
      mcpFeatures,
      policy.feature,
      tokens.feature,
      trail.feature,
      holdingPlugin,
      decidingPermissions(permission => !lacking.has(permission)).feature,
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
      mcpActions: {
        servers: { listing: { name: 'Listing' }, searching: { name: 'Searching', discovery: 'search' } },
      },
      backend: {
        actions: { pluginSources: plugins },
        auth: {
          externalAccess: ['service-one', 'service-two'].map(name => ({
            type: 'static',
            options: { token: `token-of-${name}`, subject: name },
          })),
        },
      },
    },
  });
});
afterAll(() => app?.stop());

/** Puts rules in the place of those that held so far, the same ones on both servers. */
function change({ mode, profiles, callers, servers, ...more }: Rules): void {
  const next = new CallPolicy({ mode: { value: mode, config: 'backend.actions.mode' }, profiles, callers });
  const [{ mode: own, profile }] = servers as [(typeof servers)[number]];
  for (const key of serverKeys) {
    next.addServer({
      key,
      mode: own && { value: own, config: 'the mode of the server' },
      profile: { value: profile, config: 'the profile of the server' },
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

function serverFor(server: string, token: string, asked?: string) {
  const send = (method: string, params: object) =>
    post(
      `${app.url}/api/mcp-actions/v1/${server}`,
      { jsonrpc: '2.0', id: 1, method, params },
      { token, headers: { ...(asked && { 'Callboard-Profile': asked }) } },
    );
  const call = async (name: string, input: object): Promise<Message> =>
    (await send('tools/call', { name, arguments: input })).message;
  return { send, call };
}

/** What a call was answered with, without what differs from one to the next. */
function answerIn({ result, error }: Message): string {
  const text: string = error?.message ?? (result.isError ? result.content[0].text : 'ran');
  return text.replace(/; similar: .*/, '').replace(/request id \S+/, 'request id');
}

describe('whatever the rules, on a server whose tools are searched', () => {
  it(`those are found and described that another would list, and calls end as they would there (${RUNS} sets of rules)`, {
    timeout: 120_000,
  }, async () => {
    const answers = new Set<string>();
    const pick = fc.array(fc.nat({ max: actionIds.length - 1 }), {
      minLength: NAMES_PER_RUN,
      maxLength: NAMES_PER_RUN,
    });
    const property = fc.asyncProperty(rules, callerArbitrary, pick, async (given, caller, picked) => {
      change(given);
      const token = await tokenOf(caller);
      const listing = serverFor('listing', token, given.asked);
      const searching = serverFor('searching', token, given.asked);
      const list = (await listing.send('tools/list', {})).message.result.tools.map(
        ({ name }: { name: string }) => name,
      ) as string[];

      const found = (await searching.call('search_tools', { query: 'stage lights act', limit: 20 })).result
        .structuredContent;
      const checks = [...new Set(picked)].map(async index => {
        const name = (actionIds[index] as string).replace(':', '.');
        const as = actionEffects[index % actionEffects.length];
        const described = await searching.call('describe_tool', { name });
        const [there, here, through] = [
          await listing.call(name, { as }),
          await searching.call(name, { as }),
          await searching.call('call_tool', { name, arguments: { as } }),
        ].map(answerIn);
        answers.add((there as string).split(/[ :]/)[0] as string);
        expect(described.result.isError !== true, name).toBe(list.includes(name));
        expect([here, through], name).toEqual([there, there]);
      });
      await Promise.all(checks);

      expect(found.total).toBe(list.length);
      expect(found.tools.length).toBe(Math.min(20, list.length));
      expect(found.tools.filter(({ name }: { name: string }) => !list.includes(name))).toEqual([]);
    });

    await fc.assert(property, { seed, numRuns: RUNS, endOnFailure: true });

    // What never happens would prove nothing.
    expect([...answers].sort()).toEqual(['NotAllowedError', 'The', 'Unknown', 'ran']);
  });
});

describe('a token that is not good for the tool inside', () => {
  const writes = actionIds.find(id => id.startsWith('stage:')) as string;
  const name = writes.replace(':', '.');
  const open: Rules = { ...(fc.sample(rules, { seed, numRuns: 1 })[0] as Rules), mode: 'full_access', callers: [] };

  beforeEach(() => {
    change({
      ...open,
      servers: serverKeys.map(() => ({ mode: undefined, profile: 'admin' })) as never,
      held: [],
      lacking: [],
    });
    trail.records.length = 0;
  });

  const withScopes = async (scopes: string[]) =>
    serverFor('searching', await tokens.accessToken({ person: 'user:default/ada', clientId: 'two', scopes }));
  const destructive = async (): Promise<string> => {
    const all = await withScopes(['actions:read', 'actions:write', 'actions:destructive']);
    for (const id of actionIds) {
      const tool = id.replace(':', '.');
      const { result } = await all.call('describe_tool', { name: tool });
      if (result.structuredContent?.annotations.destructiveHint && result.structuredContent.effect === 'delete') {
        return tool;
      }
    }
    throw new Error('None of the actions destroys');
  };

  it('is challenged for the scope that it lacks, and the refusal is on record under the tool', async () => {
    const tool = await destructive();
    const reading = await withScopes(['actions:read']);
    trail.records.length = 0;

    const refused = await reading.send('tools/call', {
      name: 'call_tool',
      arguments: { name: tool, arguments: { as: 'read' } },
    });

    expect(refused.status).toBe(403);
    expect(refused.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
    expect(refused.headers.get('www-authenticate')).toContain('scope="actions:read actions:destructive"');
    expect(trail.records).toMatchObject([
      { kind: 'refusal', call: { name: tool, actionId: tool.replace('.', ':'), decision: 'refuse_scope' } },
    ]);
  });

  it('is not challenged for the three tools, nor for what it may not see', async () => {
    const reading = await withScopes(['actions:read']);

    const searched = await reading.send('tools/call', { name: 'search_tools', arguments: { query: 'stage' } });
    const described = await reading.send('tools/call', { name: 'describe_tool', arguments: { name } });
    const unknown = await reading.send('tools/call', { name: 'call_tool', arguments: { name: 'stage.none' } });
    const malformed = await reading.send('tools/call', { name: 'call_tool', arguments: { tool: name } });

    expect([searched, described, unknown, malformed].map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(unknown.message.error.message).toContain('Unknown tool: stage.none');
    expect(malformed.message.result.isError).toBe(true);
  });

  it('good enough, it calls, and the events name the tool inside and the one it came by', async () => {
    const tool = await destructive();
    const all = await withScopes(['actions:read', 'actions:write', 'actions:destructive']);

    const { result } = await all.call('call_tool', { name: tool, arguments: { as: 'read' } });

    const [event] = app.logs.filter(({ eventId }) => eventId === 'tool-execution').slice(-1);
    expect(result.isError).toBeUndefined();
    expect(event).toMatchObject({ meta: expect.objectContaining({ toolName: tool, via: 'call_tool' }) });
    expect(trail.records.slice(-2)).toMatchObject([
      { kind: 'intent', call: { name: tool, clientId: 'two', server: 'searching' } },
      { kind: 'outcome' },
    ]);
  });
});
