import type { BackstageCredentials } from '@backstage/backend-plugin-api';
import { NotAllowedError } from '@backstage/errors';
import type { SafetyMode } from '@callboard/actions-api';
import { ApprovalDesk } from '@callboard/test-utils';
import { describe, expect, test, vi } from 'vitest';
import type { ActionOutcome, VisibleAction } from '../catalogue/VisibleAction.js';
import type { CallerRule } from '../config.js';
import { CallPolicy } from '../policy/CallPolicy.js';
import { VisibilityRules } from '../policy/VisibilityRules.js';
import { openPolicy } from '../testing/openPolicy.js';
import { Invocation } from './Invocation.js';
import type { InvocationPolicy } from './invocationPolicy.js';
import { invocationSteps, refusalDecisions } from './steps.js';

const service = { principal: { type: 'service' } } as unknown as BackstageCredentials;
const nobody = { principal: { type: 'none' } } as unknown as BackstageCredentials;
const destructive = { readOnly: false, destructive: true, idempotent: false };
const descriptor = {
  id: 'todo:one',
  pluginId: 'todo',
  name: 'one',
  attributes: destructive,
} as VisibleAction['descriptor'];

/** Takes a call through the steps; every part of it can be replaced. */
async function take(options: {
  visible?: Partial<VisibleAction> | undefined;
  call?: Partial<ConstructorParameters<typeof Invocation>[0]>;
  policy?: Partial<InvocationPolicy>;
}) {
  const run = vi.fn(async (): Promise<ActionOutcome> => ({ output: { ran: true } }));
  const visible = { descriptor, run, ...options.visible };
  const find = vi.fn(async () => visible);
  const call = new Invocation({
    name: 'one',
    find,
    input: { a: 1 },
    credentials: service,
    door: 'http',
    ...options.call,
  });
  const policy = openPolicy(options.policy);
  const finished = (async () => {
    for (const step of invocationSteps) {
      await step(call, policy);
    }
    return call.output;
  })();
  return {
    call,
    find,
    run,
    outcome: await finished.then(
      output => ({ output }),
      error => ({ error }),
    ),
  };
}

test('an anonymous caller is refused before anything is looked up', async () => {
  const { find, run, outcome } = await take({ call: { credentials: nobody } });

  expect(outcome).toMatchObject({
    error: {
      name: 'NotAllowedError',
      message: 'Actions must be invoked by an authenticated principal, not an anonymous request',
    },
  });
  expect(find).not.toHaveBeenCalled();
  expect(run).not.toHaveBeenCalled();
});

test('an action that the caller may not see is not found, by the name that the door knows it under', async () => {
  const { call, outcome } = await take({ call: { name: 'todo.one', find: async () => undefined } });

  expect(outcome).toMatchObject({ error: { name: 'NotFoundError', message: 'Action "todo.one" not found' } });
  expect(call.foundAction).toBeUndefined();
  expect(() => call.action).toThrow('"todo.one" has not been looked up yet');
});

test('an action of another backend is given input and secrets as they came, and its output is passed on', async () => {
  const input = { anything: ['goes'] };
  const { run, outcome } = await take({ call: { input, secrets: { key: 'k' } } });

  expect(outcome).toEqual({ output: { ran: true } });
  expect(run).toHaveBeenCalledWith(expect.objectContaining({ input, secrets: { key: 'k' } }));
});

describe('a call whose caller has gone', () => {
  test('does not reach the handler', async () => {
    const { run, outcome } = await take({ call: { signal: AbortSignal.abort() } });

    expect(outcome).toMatchObject({ error: { name: 'AbortError' } });
    expect(run).not.toHaveBeenCalled();
  });

  test('passes the signal to the handler', async () => {
    const { signal } = new AbortController();
    const { run } = await take({ call: { signal } });

    expect(run).toHaveBeenCalledWith(expect.objectContaining({ signal }));
  });
});

describe('the scopes that a caller was granted', () => {
  const readOnly = { readOnly: true, destructive: false, idempotent: true };
  const write = { ...destructive, destructive: false };
  const read = 'actions:read';

  test.each<[string[] | undefined, typeof destructive, boolean]>([
    [undefined, destructive, true],
    [[], readOnly, false],
    [[read], readOnly, true],
    [[read], write, false],
    [[read, 'actions:write'], write, true],
    [['actions:write'], readOnly, true],
    [['actions:write'], destructive, false],
    [['actions:destructive'], destructive, true],
    [['openid', 'actions'], readOnly, false],
  ])('%j, for %j: %s', async (scopes, attributes, isAllowed) => {
    const { run } = await take({ visible: { descriptor: { ...descriptor, attributes } }, call: { scopes } });

    expect(run).toHaveBeenCalledTimes(isAllowed ? 1 : 0);
  });

  test('are named in the refusal, with the one that is missing', async () => {
    const { outcome } = await take({ call: { scopes: [read, 'openid'] } });

    expect(outcome).toMatchObject({
      error: {
        name: 'NotAllowedError',
        message: 'Action "todo:one" needs the scope actions:destructive, granted: actions:read openid',
      },
    });
  });
});

describe('the checks', () => {
  const passing = {
    input: (value: unknown) => ({ ok: true as const, value }),
    output: (value: unknown) => ({ ok: true as const, value }),
  };

  test('of input, secrets and output may be asynchronous, and what they make of values is used', async () => {
    const mark = (by: string) => async (value: unknown) => ({ ok: true as const, value: { [by]: value } });
    const { run, outcome } = await take({
      visible: { checks: { input: mark('input'), secrets: mark('secrets'), output: mark('output') } },
      call: { secrets: { key: 'k' } },
    });

    expect(run).toHaveBeenCalledWith(
      expect.objectContaining({ input: { input: { a: 1 } }, secrets: { secrets: { key: 'k' } } }),
    );
    expect(outcome).toEqual({ output: { output: { ran: true } } });
  });

  test.each([
    ['input', 'Invalid input to action "todo:one": a: no good'],
    ['secrets', 'Invalid secrets for action "todo:one": a: no good'],
  ])('refuse wrong %s, and the handler does not run', async (part, message) => {
    const failing = { ok: false as const, problems: 'a: no good' };
    const { run, outcome } = await take({
      visible: { checks: { ...passing, [part]: async () => failing } },
      ...(part === 'secrets' && { call: { secrets: { a: 1 } } }),
    });

    expect(outcome).toMatchObject({ error: { name: 'InputError', message } });
    expect(run).not.toHaveBeenCalled();
  });

  test.each<[string, unknown, string | undefined]>([
    ['missing', undefined, 'Action "todo:one" requires secrets but none were provided'],
    ['null', null, 'Action "todo:one" requires secrets but none were provided'],
    ['given', {}, undefined],
  ])('of secrets that are needed and %s', async (_, secrets, message) => {
    const { outcome } = await take({ visible: { checks: { ...passing, secrets: passing.input } }, call: { secrets } });

    expect((outcome as { error?: Error }).error?.message).toBe(message);
  });

  test('refuse secrets that are not taken', async () => {
    const { run, outcome } = await take({ visible: { checks: passing }, call: { secrets: { a: 1 } } });

    expect(outcome).toMatchObject({ error: { message: 'Action "todo:one" does not accept secrets' } });
    expect(run).not.toHaveBeenCalled();
  });

  test('of output that fail are an error of no class that callers are blamed with', async () => {
    const { outcome } = await take({
      visible: { checks: { ...passing, output: () => ({ ok: false, problems: 'done: expected boolean' }) } },
    });

    expect(outcome).toMatchObject({
      error: { name: 'InvalidOutputError', message: 'Invalid output from action "todo:one": done: expected boolean' },
    });
  });
});

const rulesOf = (mode: SafetyMode, callers: CallerRule[] = []) =>
  new CallPolicy({ mode: { value: mode, config: 'backend.actions.mode' }, profiles: {}, callers });
const checks = {
  input: (value: unknown) => ({ ok: true as const, value }),
  output: (value: unknown) => ({ ok: true as const, value }),
};

describe('the effect of a call', () => {
  test.each(['replace', 'read'] as const)('is settled from checked input: %s', async effect => {
    const effectOf = vi.fn(async () => effect);
    const { call, run } = await take({
      visible: { checks: { ...checks, input: () => ({ ok: true, value: { checked: true } }) }, effect: effectOf },
    });

    expect(effectOf).toHaveBeenCalledWith({ checked: true });
    expect(call.effect).toBe(effect);
    expect(run).toHaveBeenCalledTimes(1);
  });

  test.each([['drop'], [undefined], ['constructor']])('%s does not exist, and the call does not run', async effect => {
    const { outcome, run } = await take({ visible: { checks, effect: () => effect as never } });

    expect(outcome).toMatchObject({
      error: {
        name: 'Error',
        message: `Action "todo:one" says its effect is ${effect}, expected one of read, create, update, replace, delete, execute`,
      },
    });
    expect(run).not.toHaveBeenCalled();
  });

  test('that cannot be settled refuses the call', async () => {
    const { outcome, run } = await take({ visible: { checks, effect: () => Promise.reject(new Error('no SQL')) } });

    expect(outcome).toMatchObject({ error: { message: 'no SQL' } });
    expect(run).not.toHaveBeenCalled();
  });

  test('decides over the attributes, in the mode and in the scopes', async () => {
    const readOnly = { readOnly: true, destructive: false, idempotent: true };
    const visible = { descriptor: { ...descriptor, attributes: readOnly }, checks, effect: () => 'delete' as const };

    const byMode = await take({ visible, policy: { rules: rulesOf('read_only') } });
    const byScope = await take({ visible, call: { scopes: ['actions:read'] } });

    expect(byMode.outcome).toMatchObject({ error: { name: 'NotAllowedError' } });
    expect(byScope.outcome).toMatchObject({ error: { message: expect.stringContaining('actions:destructive') } });
  });
});

describe('the mode', () => {
  test('that refuses the class of a call says which, and where it is set', async () => {
    const { outcome, run } = await take({ policy: { rules: rulesOf('read_only') } });

    expect(outcome).toMatchObject({
      error: {
        name: 'NotAllowedError',
        message:
          'Action "todo:one" is refused: the mode is read_only, and the call is of class delete (backend.actions.mode)',
      },
    });
    expect(run).not.toHaveBeenCalled();
  });

  test('that asks for approval finds nobody, and the handler does not run', async () => {
    const { outcome, call, run } = await take({ policy: { rules: rulesOf('safe') } });

    expect(outcome).toMatchObject({ error: { message: expect.stringContaining('there is no way to ask a person') } });
    expect(call.decision).toBe('needs_approval_unavailable');
    expect(run).not.toHaveBeenCalled();
  });
});

describe('a profile', () => {
  const callers = [{ profile: 'readonly' }];

  test('that lacks an action makes it one that does not exist', async () => {
    const { outcome, call, run } = await take({ policy: { rules: rulesOf('full_access', callers) } });

    expect(outcome).toMatchObject({ error: { name: 'NotFoundError', message: 'Action "one" not found' } });
    expect(call.decision).toBe('refuse_profile');
    expect(run).not.toHaveBeenCalled();
  });

  test('that has the action but not what this call does refuses the call', async () => {
    const readOnly = { readOnly: true, destructive: false, idempotent: true };
    const { outcome, run } = await take({
      visible: { descriptor: { ...descriptor, attributes: readOnly }, checks, effect: () => 'update' },
      policy: { rules: rulesOf('full_access', callers) },
    });

    expect(outcome).toMatchObject({
      error: {
        name: 'NotAllowedError',
        message:
          'This call of action "todo:one" is a write (class update), which the profile readonly does not have (backend.actions.callers[0].profile)',
      },
    });
    expect(run).not.toHaveBeenCalled();
  });
});

test('an action that a rule holds back does not exist, and the trail says which rule', async () => {
  const visibilityRules = new VisibilityRules();
  visibilityRules.add({ id: 'quarantine', version: '1', allows: () => false });
  const { outcome, call, run } = await take({ policy: { visibilityRules } });

  expect(outcome).toMatchObject({ error: { name: 'NotFoundError', message: 'Action "one" not found' } });
  expect(call.decision).toBe('refuse_quarantine');
  expect(run).not.toHaveBeenCalled();
});

test('a pause that begins while a person decides holds, though the call was approved', async () => {
  const desk = new ApprovalDesk();
  const policy = openPolicy({ rules: rulesOf('safe') });
  policy.approvals.provide(desk);
  await take({ policy });
  desk.decide('approved');
  let asked = 0;
  policy.gates.add({
    id: 'pause',
    stage: 'pause',
    check() {
      asked += 1;
      if (desk.all[0]?.state === 'used') {
        throw new NotAllowedError('Everything is paused');
      }
    },
  });

  const { outcome, run } = await take({ policy });

  expect(outcome).toMatchObject({ error: { message: 'Everything is paused' } });
  expect(asked).toBe(2);
  expect(run).not.toHaveBeenCalled();
});

test('an answer to a call that has ended runs nothing, and uses up no approval', async () => {
  const desk = new ApprovalDesk();
  const policy = openPolicy({ rules: rulesOf('safe') });
  policy.approvals.provide(desk);
  await take({ policy });
  desk.decide('approved');

  const { outcome, run } = await take({ policy, call: { isLate: true } });

  expect(outcome).toMatchObject({
    error: { name: 'InputError', message: expect.stringMatching(/Make the call anew\.$/) },
  });
  expect(run).not.toHaveBeenCalled();
  expect(desk.all[0]?.state).toBe('approved');
});

test('every step before the handler has a word for the trail', () => {
  const decisions = invocationSteps.map(step => refusalDecisions.get(step));

  expect(decisions).toEqual([
    'refuse_anonymous',
    'refuse_unknown',
    'refuse_input',
    'refuse_paused',
    'refuse_profile',
    'refuse_scope',
    'refuse_mode',
    'refuse_limit',
    'refuse_late_answer',
    'refuse_secrets',
    'refuse_approval',
    'refuse_paused',
    'refuse_unrecorded',
    undefined,
    undefined,
  ]);
});

test('an action that never says what its call does is not waited for once the caller has gone', async () => {
  const leaving = new AbortController();
  const taken = take({
    call: { signal: leaving.signal },
    visible: {
      checks: { input: value => ({ ok: true, value }), output: value => ({ ok: true, value }) },
      effect: () => new Promise(() => {}),
    },
  });

  leaving.abort();

  expect((await taken).outcome).toMatchObject({ error: { name: 'AbortError' } });
});

test('an action that never says what its call does is given up', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  vi.spyOn(AbortSignal, 'timeout').mockImplementation(ms => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), ms);
    return controller.signal;
  });
  try {
    const taken = take({
      visible: {
        checks: { input: value => ({ ok: true, value }), output: value => ({ ok: true, value }) },
        effect: () => new Promise(() => {}),
      },
    });

    await vi.advanceTimersByTimeAsync(5_000);

    expect((await taken).outcome).toMatchObject({
      error: { message: 'Action "todo:one" does not say what its effect is' },
    });
  } finally {
    vi.useRealTimers();
    vi.restoreAllMocks();
  }
});
