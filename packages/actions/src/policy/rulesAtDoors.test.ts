import type { BackendFeature } from '@backstage/backend-plugin-api';
import type { JsonObject } from '@backstage/types';
import { ApprovalDesk, approvalDeskPlugin } from '@callboard/test-utils';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { actionsPlugin } from '../testing/actionsPlugin.js';
import { type BackendWithDoors, doors, startBackendWithDoors } from '../testing/doors.js';

let ran: string[];
let backend: BackendWithDoors | undefined;

const todo = actionsPlugin('todo', registry => {
  const schema = { input: z.object({ text: z.string().optional() }), output: z.object({}) };
  for (const [name, more] of Object.entries({
    list: { attributes: { readOnly: true } },
    add: { effect: 'create' as const },
    purge: {},
    approve: { effect: 'update' as const, capability: 'approvals:decide' },
  })) {
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
  }
});

async function start(actions: JsonObject, ...features: BackendFeature[]): Promise<BackendWithDoors> {
  backend = await startBackendWithDoors([todo, ...features], actions);
  return backend;
}

beforeEach(() => {
  ran = [];
});
afterEach(async () => {
  await backend?.stop();
  backend = undefined;
});

describe.each(doors)('at the door %s', door => {
  test.each([
    ['read_only', ['todo:list']],
    ['safe', ['todo:list', 'todo:add', 'todo:purge', 'todo:approve']],
    ['full_access', ['todo:list', 'todo:add', 'todo:purge', 'todo:approve']],
  ])('the mode %s lists what could be let through', async (mode, ids) => {
    const { list } = await start({ mode });

    expect(await list(door)).toEqual(ids);
  });

  test('what a mode refuses is refused with its reason', async () => {
    const { call } = await start({ mode: 'read_only' });

    expect(await call(door, 'todo:add', {})).toEqual({
      error: {
        name: 'NotAllowedError',
        message:
          'Action "todo:add" is refused: the mode is read_only, and the call is of class create (backend.actions.mode)',
      },
    });
    expect(ran).toEqual([]);
  });

  test('a profile for callers at the door hides what it lacks, and calls of it find nothing', async () => {
    const { list, call } = await start({ callers: [{ door, profile: 'operator' }] });

    const outcomes = [await call(door, 'todo:add', {}), await call(door, 'todo:approve', {})];

    expect(await list(door)).toEqual(['todo:list', 'todo:approve']);
    expect(outcomes).toEqual([
      { error: { name: 'NotFoundError', message: 'Action "todo:add" not found' } },
      { output: {} },
    ]);
    expect(ran).toEqual(['approve']);
  });

  test('a rule for the other door changes nothing', async () => {
    const other = doors.find(it => it !== door) as string;
    const { list, call } = await start({ callers: [{ door: other, profile: 'readonly', mode: 'read_only' }] });

    expect(await list(door)).toHaveLength(4);
    expect(await call(door, 'todo:purge', {})).toEqual({ output: {} });
  });

  test('without anybody who could be asked, a call that needs approval is refused', async () => {
    const { call } = await start({ mode: 'safe' });

    expect(await call(door, 'todo:add', {})).toMatchObject({
      error: { name: 'NotAllowedError', message: expect.stringContaining('with the mode full_access') },
    });
    expect(ran).toEqual([]);
  });

  test('an approved call runs once, and only with the arguments that were approved', async () => {
    const desk = new ApprovalDesk();
    const { call } = await start({ mode: 'delete_safe', environment: 'staging' }, approvalDeskPlugin(desk));

    const first = await call(door, 'todo:purge', { text: 'one' });
    desk.decide('approved');
    const other = await call(door, 'todo:purge', { text: 'two' });
    const approved = await call(door, 'todo:purge', { text: 'one' });
    const again = await call(door, 'todo:purge', { text: 'one' });

    expect([first, other, again]).toMatchObject(Array(3).fill({ error: { name: 'ApprovalRequiredError' } }));
    expect(approved).toEqual({ output: {} });
    expect(ran).toEqual(['purge']);
    expect(desk.all.map(({ request }) => [request.door, request.environment, request.arguments])).toEqual([
      [door, 'staging', { text: 'one' }],
      [door, 'staging', { text: 'two' }],
      [door, 'staging', { text: 'one' }],
    ]);
  });
});

test('the HTTP answer to a call that waits for approval says which approval and where', async () => {
  const { invokeAction } = await start({ mode: 'safe' }, approvalDeskPlugin(new ApprovalDesk()));

  const { status, body } = await invokeAction('todo:add', { body: {} });

  expect(status).toBe(403);
  expect(body).toMatchObject({
    error: {
      name: 'ApprovalRequiredError',
      message: expect.stringContaining('https://callboard.example.com/approvals/approval-1'),
      approval: {
        id: 'approval-1',
        url: 'https://callboard.example.com/approvals/approval-1',
        expiresAt: '2099-01-01T00:00:00.000Z',
      },
    },
    response: { statusCode: 403 },
  });
});

test('an approval of one caller is no good for another', async () => {
  const desk = new ApprovalDesk();
  const { call } = await start({ mode: 'safe' }, approvalDeskPlugin(desk));
  await call('http', 'todo:add', { text: 'x' });
  desk.decide('approved');

  const ofAnother = await call('in-process', 'todo:add', { text: 'x' });

  expect(ofAnother).toMatchObject({ error: { name: 'ApprovalRequiredError' } });
  expect(desk.all.map(({ request }) => request.principal)).toEqual(['external:tester', 'plugin:caller']);
  expect(ran).toEqual([]);
});
