import type { BackstageCredentials } from '@backstage/backend-plugin-api';
import { describe, expect, test, vi } from 'vitest';
import type { VisibleAction } from '../catalogue/VisibleAction.js';
import { AuditTrails } from './AuditTrails.js';
import { ActionGateChecks } from './actionGates.js';
import { Invocation } from './Invocation.js';
import { invocationSteps } from './steps.js';

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
}) {
  const run = vi.fn(async () => ({ ran: true }) as unknown);
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
  const policy = { gates: new ActionGateChecks(), trails: new AuditTrails() };
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
