import type { JsonObject } from '@backstage/types';
import type { ActionGate } from '@callboard/actions-api';
import approvalsFeatures from '@callboard/plugin-approvals-backend';
import safetyFeatures from '@callboard/plugin-safety-backend';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { actionsPlugin } from '../../packages/actions/src/testing/actionsPlugin.js';
import { gatesPlugin } from '../../packages/actions/src/testing/gatesPlugin.js';
import { type Gate, startGate, tokenOf } from './testing/startGate.js';
import { askModern, postModern, readMessage, WireSession } from './testing/wire.js';

const adas = Array.from({ length: 40 }, (_, index) => `ada-${index}`);
const action = 'update-stated';
const accept = { approval: { action: 'accept', content: {} } };

let gate: Gate;
let calls = 0;
let key: string;
let ada: string;
/** Done to the next call on its way from the limits to the approval. */
let onTheWay: (() => Promise<unknown>) | undefined;
let slow: { started: Promise<void>; finish: () => void };
let hasStarted: () => void;

const meddlingGate: ActionGate = {
  id: 'meddling',
  stage: 'limits',
  async check() {
    const meddle = onTheWay;
    onTheWay = undefined;
    await meddle?.();
  },
};

const slowPlugin = actionsPlugin('slow', registry => {
  registry.register({
    name: 'wait',
    title: 'Wait',
    description: 'Reads until it is told that it has read enough',
    effect: 'read',
    schema: { input: z.object({}), output: z.object({}) },
    action: async () => {
      await new Promise<void>(resolve => {
        slow.finish = resolve;
        hasStarted();
      });
      return { output: {} };
    },
  });
});

beforeAll(async () => {
  gate = await startGate({
    mode: 'safe',
    callers: ['boss', ...adas],
    features: [approvalsFeatures, safetyFeatures, gatesPlugin(meddlingGate), slowPlugin],
    actions: { pluginSources: ['work', 'slow'] },
    config: {
      approvals: { approvers: ['boss'] },
      safety: {
        operators: ['boss'],
        limits: [
          { name: 'one at a time', concurrency: 1 },
          { name: 'one in a day', action: 'work:replace-stated', perDay: 1 },
        ],
      },
    },
  });
});
afterAll(() => gate?.stop());

beforeEach(() => {
  calls += 1;
  key = `call-${calls}`;
  ada = adas[calls] as string;
  slow = { started: new Promise(resolve => (hasStarted = resolve)), finish: () => {} };
});
afterEach(() => resume());

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape.
async function request(path: string, caller: string, body?: JsonObject): Promise<{ status: number; body: any }> {
  const response = await fetch(`${gate.url}/api/${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { Authorization: `Bearer ${tokenOf(caller)}`, 'Content-Type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

const invoke = (id: string, input: JsonObject) =>
  request(`${id.split(':')[0]}/.backstage/actions/v1/actions/${id}/invoke`, ada, input);
const call = (name = action) => invoke(`work:${name}`, { key });

async function pause(scope: 'writes' | 'everything' = 'writes'): Promise<void> {
  expect((await request('safety/v1/pause', 'boss', { scope, reason: 'smoke on the stage' })).status).toBe(200);
}

async function resume(): Promise<void> {
  expect((await request('safety/v1/resume', 'boss', {})).status).toBe(200);
}

async function obtainApproval(name = action): Promise<string> {
  const { body } = await call(name);
  const { id } = body.error.approval;
  expect((await request(`approvals/v1/approvals/${id}/approve`, 'boss', {})).status).toBe(200);
  return id;
}

const stateOf = async (id: string) => (await request(`approvals/v1/approvals/${id}`, 'boss')).body.state;
const decisionsOf = () =>
  gate.records
    .filter(({ call: { input } }) => (input as { key?: unknown } | undefined)?.key === key)
    .map(({ kind, call: { decision } }) => `${kind} ${decision}`);
const paused = expect.stringContaining('smoke on the stage');

describe('a pause after the approval', () => {
  it.each(['writes', 'everything'] as const)(
    'of %s keeps the call from running, and the approval for later',
    async scope => {
      const id = await obtainApproval();
      await pause(scope);

      const refused = await call();
      const stateMeanwhile = await stateOf(id);
      await resume();
      const ran = await call();

      expect(refused).toMatchObject({
        status: 503,
        body: { error: { name: 'ServiceUnavailableError', message: paused } },
      });
      expect(stateMeanwhile).toBe('approved');
      expect(ran.status).toBe(200);
      expect(await stateOf(id)).toBe('used');
      expect(gate.work.timesRun(key)).toBe(1);
      expect(decisionsOf()).toEqual([
        'refusal needs_approval_pending',
        'refusal refuse_paused',
        'intent needs_approval_accepted',
        'outcome needs_approval_accepted',
      ]);
    },
  );

  it('that comes when the approval has just been used keeps the call from running; the approval is gone', async () => {
    const id = await obtainApproval();
    onTheWay = () => pause();

    const refused = await call();
    await resume();
    const again = await call();

    expect(refused).toMatchObject({ status: 503, body: { error: { message: paused } } });
    expect(await stateOf(id)).toBe('used');
    expect(again.body.error).toMatchObject({
      name: 'ApprovalRequiredError',
      approval: { id: expect.not.stringMatching(id) },
    });
    expect(gate.work.timesRun(key)).toBe(0);
    expect(decisionsOf().at(1)).toBe('refusal refuse_paused');
  });

  it('does not let new approvals be asked for, but be decided', async () => {
    const { body } = await call();
    await pause();

    const refused = await call('create-stated');
    const decided = await request(`approvals/v1/approvals/${body.error.approval.id}/approve`, 'boss', {});
    const stillRefused = await call();
    await resume();

    expect([refused.status, decided.status, stillRefused.status]).toEqual([503, 200, 503]);
    expect((await call()).status).toBe(200);
    expect(gate.work.timesRun(key)).toBe(1);
  });
});

describe('a pause between the question and the answer of a client', () => {
  it('on a session keeps the call from running, and it can be asked about again', async () => {
    const session = await WireSession.open(gate, { caller: ada, capabilities: { elicitation: {} } });
    const first = await session.ask(1, { action, input: { key } });
    await pause();

    await session.send({ id: first.question.id, result: { action: 'accept', content: {} } });

    expect(readMessage((await first.rest.next()).value)).toMatchObject({ ended: 'refused', message: paused });
    expect(gate.work.timesRun(key)).toBe(0);
    await resume();
    const second = await session.ask(2, { action, input: { key } });
    await session.send({ id: second.question.id, result: { action: 'accept', content: {} } });
    expect(readMessage((await second.rest.next()).value)).toMatchObject({ ended: 'ran' });
    expect(decisionsOf()).toEqual([
      'refusal needs_approval_asked',
      'refusal refuse_paused',
      'refusal needs_approval_asked',
      'intent needs_approval_accepted',
      'outcome needs_approval_accepted',
    ]);
  });

  it('in the 2026 era keeps the call from running, and the state is good for later', async () => {
    const modern = { caller: ada, action, input: { key } };
    const requestState = await askModern(gate, modern);
    await pause();

    const refused = await postModern(gate, { ...modern, requestState, inputResponses: accept });
    await resume();
    const ran = await postModern(gate, { ...modern, requestState, inputResponses: accept });

    expect([refused, ran].map(readMessage)).toMatchObject([{ ended: 'refused', message: paused }, { ended: 'ran' }]);
    expect(gate.work.timesRun(key)).toBe(1);
  });
});

describe('a limit', () => {
  it('of calls at once does not use up an approval', async () => {
    const id = await obtainApproval();
    const other = invoke('slow:wait', {});
    await slow.started;

    const refused = await call();
    const stateMeanwhile = await stateOf(id);
    slow.finish();
    await other;
    const ran = await call();

    expect(refused).toMatchObject({ status: 429, body: { error: { name: 'TooManyRequestsError' } } });
    expect(stateMeanwhile).toBe('approved');
    expect(ran.status).toBe(200);
    expect(gate.work.timesRun(key)).toBe(1);
    expect(decisionsOf()).toContain('refusal refuse_limit');
  });

  it('of calls in a day counts the call that runs, not the one that asks', async () => {
    await obtainApproval('replace-stated');

    const ran = await call('replace-stated');
    const refused = await call('replace-stated');

    expect(ran.status).toBe(200);
    expect(refused).toMatchObject({
      status: 429,
      body: { error: { message: expect.stringContaining('one in a day') } },
    });
    expect(gate.work.timesRun(key)).toBe(1);
    expect(decisionsOf()).toEqual([
      'refusal needs_approval_pending',
      'intent needs_approval_accepted',
      'outcome needs_approval_accepted',
      'refusal refuse_limit',
    ]);
  });

  it('of calls at once does not count a call that waits for the answer of a person', async () => {
    const session = await WireSession.open(gate, { caller: ada, capabilities: { elicitation: {} } });
    const { question, rest } = await session.ask(1, { action, input: { key } });

    const meanwhile = await invoke('work:read-stated', { key: `${key}-read` });
    await session.send({ id: question.id, result: { action: 'accept', content: {} } });

    expect(meanwhile.status).toBe(200);
    expect(readMessage((await rest.next()).value)).toMatchObject({ ended: 'ran' });
  });
});
