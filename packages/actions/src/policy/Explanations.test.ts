import { type BackstageCredentials, createBackendPlugin } from '@backstage/backend-plugin-api';
import { NotAllowedError } from '@backstage/errors';
import {
  actionGatesServiceRef,
  type Caller,
  type ExplanationsService,
  explanationsServiceRef,
  safetyModes,
  visibilityRulesServiceRef,
} from '@callboard/actions-api';
import { ApprovalDesk, approvalDeskPlugin } from '@callboard/test-utils';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { SecretsDesk } from '../secrets/SecretsDesk.js';
import { secretsDeskServiceRef } from '../secrets/secretsDeskServiceFactory.js';
import { actionsPlugin } from '../testing/actionsPlugin.js';
import { callerOf } from '../testing/callers.js';
import { decidingPermissions } from '../testing/permissions.js';
import { archivePermission } from '../testing/sampleActions.js';
import { startTestBackend, type TestBackend } from '../testing/startTestBackend.js';

let ran: string[] = [];
const checked: string[] = [];

const todo = actionsPlugin('todo', registry => {
  const schema = { input: z.object({ sql: z.string().optional() }), output: z.object({}) };
  const register = (name: string, more: object) =>
    registry.register({
      name,
      title: name,
      description: '',
      schema,
      ...more,
      action: async () => {
        ran.push(name);
        return { output: {} };
      },
    });
  register('list', { attributes: { readOnly: true } });
  register('add', { attributes: { destructive: false } });
  register('purge', {});
  register('query', {
    effect: ({ sql = '' }) => {
      if (sql === 'crash') {
        throw new Error('cannot parse');
      }
      return sql.split(' ')[0] as never;
    },
  });
  register('held', { attributes: { readOnly: true } });
  register('left-out', { attributes: { readOnly: true } });
  register('archive', { attributes: { readOnly: true }, visibilityPermission: archivePermission });
  register('limited', { attributes: { readOnly: true } });
  register('share', { attributes: { readOnly: true }, schema: { ...schema, secrets: z.object({ key: z.string() }) } });
  register('watched', { attributes: { readOnly: true } });
  register('approve', { attributes: { destructive: false }, capability: 'approvals:decide' });
});

/** Reaches into a backend for its explanations, and adds a rule and gates. */
function explainer() {
  let explanations: ExplanationsService | undefined;
  let desk: SecretsDesk | undefined;
  const feature = createBackendPlugin({
    pluginId: 'explainer',
    register(env) {
      env.registerInit({
        deps: {
          service: explanationsServiceRef,
          secrets: secretsDeskServiceRef,
          rules: visibilityRulesServiceRef,
          gates: actionGatesServiceRef,
        },
        async init({ service, secrets, rules, gates }) {
          explanations = service;
          desk = secrets;
          rules.add({ id: 'pinning', version: '1', allows: ({ id }) => id !== 'todo:held' });
          gates.add({
            id: 'limits',
            stage: 'limits',
            check(call) {
              checked.push(call.action.id);
              if (call.action.id === 'todo:limited') {
                throw new NotAllowedError('Too often');
              }
            },
            explain: ({ action }) =>
              action.id === 'todo:limited'
                ? { verdict: 'refuses', because: 'the daily cap is reached', config: 'safety.limits[0]' }
                : { verdict: 'passes', because: '3 of 10 calls' },
          });
          gates.add({ id: 'watch', stage: 'pause', check: () => {} });
        },
      });
    },
  });
  return {
    feature,
    desk: () => desk as SecretsDesk,
    explain: (action: string, caller: Partial<Caller> & { credentials?: BackstageCredentials } = {}, input?: unknown) =>
      (explanations as ExplanationsService).explain({
        ...callerOf({ principal: 'external:tester' }),
        ...caller,
        action,
        ...(input !== undefined && { input }),
      }),
  };
}

async function start(actions: object, features: Parameters<typeof startTestBackend>[0]['features'] = []) {
  const { feature, explain, desk } = explainer();
  const backend = await startTestBackend({
    features: [todo, feature, ...features],
    backendConfig: {
      actions: { pluginSources: ['todo', 'elsewhere'], filter: { exclude: [{ id: 'todo:left-out' }] }, ...actions },
    },
  });
  return { backend, explain, desk };
}

describe('with the mode safe and a rule for one caller', () => {
  let backend: TestBackend;
  let explain: ReturnType<typeof explainer>['explain'];
  beforeAll(async () => {
    ({ backend, explain } = await start({
      mode: 'safe',
      callers: [{ principal: 'external:reader', mode: 'read_only', profile: 'readonly' }],
    }));
  });
  afterAll(() => backend?.stop());

  test.each<[string, Partial<Caller>, unknown, string, string]>([
    ['todo:list', {}, undefined, 'depends', 'may perhaps call it: pause (watch): decides on each call by itself'],
    ['todo:nosuch', {}, undefined, 'refuses', 'may not call it: findVisibleAction: there is no action "todo:nosuch"'],
    [
      'todo:left-out',
      {},
      undefined,
      'refuses',
      'may not call it: findVisibleAction: the filter leaves the action out (backend.actions.filter)',
    ],
    [
      'notes:add',
      {},
      undefined,
      'refuses',
      'may not call it: findVisibleAction: the plugin "notes" is not among the sources (backend.actions.pluginSources)',
    ],
    [
      'elsewhere:add',
      {},
      undefined,
      'depends',
      'may perhaps call it: findVisibleAction: the plugin "elsewhere" is not in this backend; where it is, it decides (backend.actions.pluginSources)',
    ],
    ['todo:held', {}, undefined, 'refuses', 'may not call it: findVisibleAction (pinning): holds it back'],
    [
      'todo:limited',
      {},
      undefined,
      'refuses',
      'may not call it: limits (limits): the daily cap is reached (safety.limits[0])',
    ],
    [
      'todo:list',
      { scopes: ['openid'] },
      undefined,
      'refuses',
      'may not call it: checkScopes: the token needs the scope actions:read, it has openid',
    ],
    [
      'todo:add',
      {},
      undefined,
      'refuses',
      'may not call it: requireApproval: the mode is safe, the call is of class create: it needs approval, and there is nobody to ask (backend.actions.mode)',
    ],
    [
      'todo:add',
      { door: 'mcp', server: 'ops' },
      undefined,
      'refuses',
      'may not call it: findVisibleAction: there is no MCP server "ops" (mcpActions.servers)',
    ],
    [
      'todo:add',
      { principal: 'external:reader' },
      undefined,
      'refuses',
      'may not call it: checkProfiles: the profile readonly lacks the capability actions:write or leaves the action out (backend.actions.callers[0].profile)',
    ],
    [
      'todo:query',
      {},
      { sql: 7 },
      'refuses',
      'may not call it: parseInput: the input is invalid: sql: Invalid input: expected string, received number',
    ],
    [
      'todo:query',
      {},
      { sql: 'odd' },
      'refuses',
      'may not call it: parseInput: the action says that the call is of class odd, which does not exist',
    ],
    [
      'todo:query',
      {},
      { sql: 'crash' },
      'refuses',
      'may not call it: parseInput: the action cannot say of which class the call is',
    ],
  ])('%s for %j with %j', async (action, caller, input, verdict, says) => {
    const explanation = await explain(action, caller, input);

    expect(explanation.verdict).toBe(verdict);
    expect(explanation.summary).toBe(`${action}: ${caller.principal ?? 'external:tester'} ${says}`);
  });

  test('names are shown in one line, whatever they are', async () => {
    const { summary } = await explain('todo:a\nb', { principal: 'user:\u001b[31m' });

    expect(summary).toBe(
      'todo:a\\u000ab: user:\\u001b[31m may not call it: findVisibleAction: there is no action "todo:a\\u000ab"',
    );
  });

  test('every step is there in the order of the path, those after a refusal as well', async () => {
    const { steps } = await explain('todo:add', { principal: 'external:reader' });

    expect(steps.map(({ step, verdict }) => [step, verdict])).toEqual([
      ['findVisibleAction (pinning)', 'passes'],
      ['findVisibleAction', 'passes'],
      ['parseInput', 'passes'],
      ['pause (watch)', 'depends'],
      ['checkProfiles', 'refuses'],
      ['checkScopes', 'passes'],
      ['checkSafetyMode', 'refuses'],
      ['limits (limits)', 'passes'],
      ['supplySecrets', 'passes'],
      ['requireApproval', 'passes'],
    ]);
  });

  test('a permission may hide the action', async () => {
    const { steps } = await explain('todo:archive');

    expect(steps).toContainEqual({
      step: 'findVisibleAction',
      verdict: 'depends',
      because: 'whoever lacks the permission sample.archive does not see the action',
      config: 'permission.enabled',
    });
  });

  test('without an input the class is that of the attributes, and it says so', async () => {
    const { steps } = await explain('todo:query');

    expect(steps).toContainEqual({
      step: 'parseInput',
      verdict: 'depends',
      because: 'the class depends on the input; without one it is taken for delete',
    });
  });

  test('nothing runs and nothing is counted', async () => {
    ran = [];
    checked.length = 0;

    await explain('todo:query', {}, { sql: 'read it' });
    await explain('todo:list');

    expect([ran, checked]).toEqual([[], []]);
    expect(backend.auditEvents).toEqual([]);
  });
});

describe('with a page on which people decide', () => {
  let backend: TestBackend;
  let explain: ReturnType<typeof explainer>['explain'];
  beforeAll(async () => {
    ({ backend, explain } = await start({ mode: 'safe' }, [approvalDeskPlugin(new ApprovalDesk())]));
  });
  afterAll(() => backend?.stop());

  const demand = 'the mode is safe, the call is of class create';
  test.each<[string, Partial<Caller>, string, string]>([
    ['todo:add', {}, 'asks', `${demand}: a person decides on the page of the approvals`],
    [
      'todo:add',
      { door: 'mcp' },
      'asks',
      `${demand}: a person is asked through the client, if it supports elicitation, else a person decides on the page of the approvals`,
    ],
    ['todo:approve', {}, 'refuses', `${demand}: it needs approval, and there is nobody to ask`],
    [
      'todo:approve',
      { door: 'mcp' },
      'asks',
      `${demand}: a person is asked through the client, if it supports elicitation`,
    ],
  ])('%s for %j %s', async (action, caller, verdict, because) => {
    const { steps } = await explain(action, caller);

    expect(steps.find(({ step }) => step === 'requireApproval')).toEqual({
      step: 'requireApproval',
      verdict,
      because,
      config: 'backend.actions.mode',
    });
  });
});

describe.each(safetyModes)('in the mode %s, what is explained is what happens', mode => {
  const desk = new ApprovalDesk();
  let backend: TestBackend;
  let explain: ReturnType<typeof explainer>['explain'];
  beforeAll(async () => {
    ({ backend, explain } = await start({ mode }, [approvalDeskPlugin(desk)]));
  });
  afterAll(() => backend?.stop());

  test.each([
    ['todo:list', {}],
    ['todo:add', {}],
    ['todo:purge', {}],
    ['todo:query', { sql: 'read it' }],
    ['todo:query', { sql: 'replace it' }],
    ['todo:query', { sql: 'execute it' }],
    ['todo:held', {}],
    ['todo:limited', {}],
    ['todo:approve', {}],
  ])('%s with %j', async (id, input) => {
    const { verdict, steps } = await explain(id, {}, input);
    const { status, body } = await backend.invokeAction(id, { version: 'v2', body: { input } });

    const happened = status === 200 ? 'passes' : body.error.name === 'ApprovalRequiredError' ? 'asks' : 'refuses';
    const foreseen = steps.find(step => step.verdict === 'refuses') ?? steps.find(step => step.verdict === 'asks');
    expect(foreseen?.verdict ?? 'passes').toBe(happened);
    expect(verdict).toBe(happened === 'passes' ? 'depends' : happened);
  });
});

test('to whoever asks about themselves, what they may not see does not exist', async () => {
  const credentials = {
    principal: { type: 'user', userEntityRef: 'user:default/ada' },
  } as unknown as BackstageCredentials;
  const { backend, explain } = await start({}, [decidingPermissions(() => false).feature]);
  try {
    const [hidden, missing] = [
      await explain('todo:archive', { credentials }),
      await explain('todo:nosuch', { credentials }),
    ];

    expect(hidden.verdict).toBe('refuses');
    expect(hidden.steps).toEqual(JSON.parse(JSON.stringify(missing.steps).replaceAll('nosuch', 'archive')));
    expect((await explain('todo:list', { credentials })).steps.length).toBeGreaterThan(1);
  } finally {
    await backend.stop();
  }
});

describe('an action that takes secrets', () => {
  let backend: TestBackend;
  let explain: ReturnType<typeof explainer>['explain'];
  let desk: ReturnType<typeof explainer>['desk'];
  beforeAll(async () => {
    ({ backend, explain, desk } = await start({ mode: 'full_access' }));
  });
  afterAll(() => backend?.stop());

  const stepOf = async (caller: Partial<Caller>) =>
    (await explain('todo:share', caller)).steps.find(({ step }) => step === 'supplySecrets');
  const bringsThem = {
    step: 'supplySecrets',
    verdict: 'depends',
    because: 'the call has to bring the secrets that the action takes',
  };

  test('has to be given them where there is no page, and at doors that have none', async () => {
    expect(await stepOf({ door: 'mcp' })).toEqual(bringsThem);
    desk().open({ urlOf: id => id, lifetimeMs: 60_000, users: [] });
    expect(await stepOf({ door: 'http' })).toEqual(bringsThem);
  });

  test('waits for a person, where there is one who may enter them', async () => {
    desk().open({ urlOf: id => id, lifetimeMs: 60_000, users: [] });
    const refused = await stepOf({ door: 'mcp', principal: 'ci' });
    const asks = await stepOf({ door: 'mcp', principal: 'user:default/ada' });
    desk().open({ urlOf: id => id, lifetimeMs: 60_000, users: ['user:*'] });

    expect(refused).toMatchObject({ verdict: 'refuses', config: 'mcpActions.secrets.users' });
    expect(asks).toMatchObject({
      verdict: 'asks',
      because: expect.stringContaining('a person has to enter the secrets'),
    });
    expect(await stepOf({ door: 'mcp', principal: 'ci' })).toMatchObject({ verdict: 'asks' });
  });
});
