import { ConflictError, NotAllowedError } from '@backstage/errors';
import type { ActionCall, ActionGate, ActionGateStage } from '@callboard/actions-api';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { actionsPlugin } from '../testing/actionsPlugin.js';
import { type BackendWithDoors, doors, startBackendWithDoors } from '../testing/doors.js';
import { gatesPlugin } from '../testing/gatesPlugin.js';
import { ActionGateChecks } from './actionGates.js';

const stages: ActionGateStage[] = ['pause', 'scopes', 'safetyMode', 'limits', 'approval'];

/** What the gates are to do in a test, and what they and the handler saw. */
let refusal: { stage: ActionGateStage; error: unknown } | undefined;
const seen: { stage: string; input: unknown; call: ActionCall }[] = [];
const handled: unknown[] = [];

// Added in another order than that of the stages.
const gates: ActionGate[] = [...stages].reverse().map(stage => ({
  id: `test.${stage}`,
  stage,
  async check(call) {
    seen.push({ stage, input: structuredClone(call.input), call });
    if (refusal?.stage === stage) {
      throw refusal.error;
    }
  },
}));

let backend: BackendWithDoors;

beforeAll(async () => {
  backend = await startBackendWithDoors([
    gatesPlugin(...gates),
    actionsPlugin('todo', registry =>
      registry.register({
        name: 'add',
        title: 'Add',
        description: 'Adds.',
        schema: {
          input: z.object({ text: z.string().trim(), times: z.number().default(1) }),
          output: z.object({ done: z.boolean() }),
        },
        action: async ({ input }) => {
          handled.push(input);
          return { output: { done: true } };
        },
      }),
    ),
  ]);
});

afterAll(() => backend?.stop());

beforeEach(() => {
  refusal = undefined;
  seen.length = 0;
  handled.length = 0;
  backend.logs.length = 0;
});

describe.each(doors)('at the door %s', door => {
  test('every stage is asked in order, with checked input', async () => {
    const outcome = await backend.call(door, 'todo:add', { text: '  tea ', more: 1 });

    const checked = { text: 'tea', times: 1 };
    expect(outcome).toEqual({ output: { done: true } });
    expect(seen.map(({ stage, input }) => ({ stage, input }))).toEqual(
      stages.map(stage => ({ stage, input: checked })),
    );
    expect(handled).toEqual([checked]);
  });

  test('a gate sees who calls what, through which door, under which request id', async () => {
    await backend.call(door, 'todo:add', { text: 'tea' });

    const calls = new Set(seen.map(({ call }) => call));
    expect(calls.size).toBe(1);
    const [call] = calls as Set<ActionCall>;
    expect(call).toMatchObject({
      requestId: backend.auditEvents[0]?.meta.requestId,
      action: { id: 'todo:add', pluginId: 'todo', attributes: { destructive: true } },
      credentials: { principal: { subject: door === 'http' ? 'external:tester' : 'plugin:caller' } },
      principal: door === 'http' ? 'external:tester' : 'plugin:caller',
      effect: 'delete',
      mode: 'full_access',
      door,
      server: undefined,
      clientId: undefined,
      scopes: undefined,
    });
    expect(call?.signal).toBeInstanceOf(AbortSignal);
  });

  test.each(stages)('a refusal in the stage %s is answered with its error, and nothing later runs', async stage => {
    refusal = { stage, error: new ConflictError(`Refused by ${stage}`) };

    const outcome = await backend.call(door, 'todo:add', { text: 'tea' });

    expect(outcome).toEqual({ error: { name: 'ConflictError', message: `Refused by ${stage}` } });
    expect(seen.map(it => it.stage)).toEqual(stages.slice(0, stages.indexOf(stage) + 1));
    expect(handled).toEqual([]);
    expect(backend.auditEvents.map(({ status }) => status)).toEqual(['initiated', 'failed']);
    expect(backend.auditEvents[1]?.error).toBe(refusal.error);
  });

  test.each([
    ['an Error', new TypeError('A bug in the gate')],
    ['text', 'no'],
    ['undefined', undefined],
  ])('a gate that throws %s refuses, too', async (_, error) => {
    refusal = { stage: 'scopes', error };

    const outcome = await backend.call(door, 'todo:add', { text: 'tea' });

    expect(outcome).toHaveProperty('error');
    expect(handled).toEqual([]);
    expect(backend.auditEvents.at(-1)?.status).toBe('failed');
  });

  test('wrong input is refused before any gate is asked', async () => {
    const outcome = await backend.call(door, 'todo:add', { text: 5 });

    expect(outcome).toMatchObject({ error: { name: 'InputError' } });
    expect(seen).toEqual([]);
  });

  test('no gate is asked about an action that cannot be seen', async () => {
    const outcome = await backend.call(door, 'todo:none', { text: 'tea' });

    expect(outcome).toEqual({ error: { name: 'NotFoundError', message: 'Action "todo:none" not found' } });
    expect(seen).toEqual([]);
  });
});

describe('the gates of one stage', () => {
  const call = {} as ActionCall;

  test('are asked in the order in which they were added, one after the other, until one refuses', async () => {
    const checks = new ActionGateChecks();
    const asked: string[] = [];
    const add = (id: string, refuses = false) =>
      checks.add({
        id,
        stage: 'approval',
        async check() {
          asked.push(`${id} asked`);
          await Promise.resolve();
          if (refuses) {
            throw new NotAllowedError(id);
          }
          asked.push(`${id} agreed`);
        },
      });
    add('first');
    add('second', true);
    add('third');

    await expect(checks.check('approval', call)).rejects.toThrow('second');

    expect(asked).toEqual(['first asked', 'first agreed', 'second asked']);
  });

  test('have ids of their own', () => {
    const checks = new ActionGateChecks();
    checks.add({ id: 'approvals', stage: 'approval', check() {} });

    expect(() => checks.add({ id: 'approvals', stage: 'pause', check() {} })).toThrow(
      'There is a gate "approvals" already',
    );
  });

  test('are of a stage that exists, so that a typo does not make a gate that is never asked', () => {
    const checks = new ActionGateChecks();

    expect(() => checks.add({ id: 'mine', stage: 'approvals' as never, check() {} })).toThrow(
      'Gate "mine": expected one of the stages pause, scopes, safetyMode, limits, approval, got approvals',
    );
  });
});
