import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '@backstage/types';
import { configSectionFeature } from '@callboard/actions-api';
import { approvalsConfigSection } from '@callboard/plugin-approvals-backend';
import { describeOnPostgres, openPostgres } from '@callboard/test-utils';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createApprovalsPlugin } from '../../plugins/approvals-backend/src/plugin.js';
import type { Answer } from './testing/doors.js';
import { type Gate, startGate, tokenOf } from './testing/startGate.js';
import { askModern, postModern, readMessage, WireSession } from './testing/wire.js';
import { workPlugin } from './testing/workPlugin.js';

const action = 'update-stated';
const accept = { approval: { action: 'accept', content: {} } };
const adas = Array.from({ length: 80 }, (_, index) => `ada-${index}`);
const LIFETIME_MS = 60 * 60_000;

interface Shared {
  /** Of `backend.database`. */
  database: JsonObject;
  drop(): Promise<void>;
}

async function openFolder(): Promise<Shared> {
  const directory = mkdtempSync(join(tmpdir(), 'callboard-gate-'));
  return {
    database: { client: 'better-sqlite3', connection: { directory } },
    drop: async () => rmSync(directory, { recursive: true, force: true }),
  };
}

async function openDatabase(): Promise<Shared> {
  const { url, drop } = await openPostgres();
  return { database: { client: 'pg', connection: url, pluginDivisionMode: 'schema' }, drop };
}

function defineAttacks(open: () => Promise<Shared>): void {
  let shared: Shared | undefined;
  let replicas: [Gate, Gate];
  /** The same actions, of which one says something else of itself now. */
  let changed: Gate;
  /** The same actions in another environment. */
  let elsewhere: Gate;
  let gates: Gate[] = [];
  let clockMs = 0;
  let calls = 0;
  let key: string;
  let ada: string;

  beforeAll(async () => {
    shared = await open();
    const start = async (more: { description?: string; environment?: string } = {}) => {
      const gate = await startGate({
        mode: 'safe',
        callers: [...adas, 'eve', 'boss'],
        work: workPlugin(more),
        features: [
          configSectionFeature(approvalsConfigSection),
          createApprovalsPlugin({ now: () => new Date(Date.now() + clockMs) }),
        ],
        backend: { database: (shared as Shared).database },
        actions: { ...(more.environment && { environment: more.environment }) },
        config: {
          approvals: { approvers: ['boss'] },
          mcpActions: { servers: { strict: { name: 'Strict', mode: 'read_only' } } },
        },
      });
      gates.push(gate);
      return gate;
    };
    // One after the other: Backstage's own migrations do not wait for each other.
    replicas = [await start(), await start()];
    changed = await start({ description: 'Does something else now' });
    elsewhere = await start({ environment: 'premiere' });
  });
  afterAll(async () => {
    await Promise.all(gates.map(gate => gate.stop()));
    gates = [];
    await shared?.drop();
  });
  beforeEach(() => {
    calls += 1;
    key = `call-${calls}`;
    ada = adas[calls] as string;
  });

  const replica = (index: number): Gate => replicas[index % 2] as Gate;

  /** Over HTTP, where nobody can be asked, or at an MCP server by a client that cannot ask. */
  async function call(
    gate: Gate,
    body: unknown,
    as: { caller?: string; action?: string; server?: string } = {},
  ): Promise<Answer | { ended: 'asked' }> {
    const { caller = ada, action: name = action, server } = as;
    if (server) {
      return readMessage(
        await postModern(gate, { caller, action: name, input: body as JsonObject, server, capabilities: {} }),
      );
    }
    const response = await fetch(`${gate.url}/api/work/.backstage/actions/v1/actions/work:${name}/invoke`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${tokenOf(caller)}`, 'Content-Type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const { output, error } = (await response.json()) as { output?: unknown; error?: Answer & { name: string } };
    return response.ok ? { ended: 'ran', output } : ({ ended: 'refused', ...error } as Answer);
  }

  async function decide(id: string, verb: 'approve' | 'deny', by = 'boss'): Promise<number> {
    const { status } = await fetch(`${replica(0).url}/api/approvals/v1/approvals/${id}/${verb}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${tokenOf(by)}`, 'Content-Type': 'application/json' },
      body: '{}',
    });
    return status;
  }

  async function ask(body: unknown, as: Parameters<typeof call>[2] = {}): Promise<string> {
    const answer = await call(replica(0), body, as);
    if (answer.ended !== 'refused' || !answer.approval) {
      throw new Error(`It did not have to be approved: ${JSON.stringify(answer)}`);
    }
    return answer.approval.id;
  }

  /** Has a call approved that can be made from now on. */
  async function obtainApproval(body: unknown, as: Parameters<typeof call>[2] = {}): Promise<string> {
    const id = await ask(body, as);
    expect(await decide(id, 'approve')).toBe(200);
    return id;
  }

  const timesRun = (of: string) => gates.reduce((sum, { work }) => sum + work.timesRun(of), 0);
  const recordsOf = (of: string) =>
    gates.flatMap(({ records }) => records.filter(({ call: { input } }) => (input as { key?: unknown })?.key === of));
  const decisionsOf = (of: string) => recordsOf(of).map(({ kind, call: { decision } }) => `${kind} ${decision}`);
  const pending = { ended: 'refused', name: 'ApprovalRequiredError' };

  it('an approved call runs once, at any replica, and needs a new approval after that', async () => {
    const id = await obtainApproval({ key });

    const answers = [await call(replica(1), { key }), await call(replica(0), { key }), await call(replica(1), { key })];

    expect(answers[0]).toMatchObject({ ended: 'ran' });
    expect(answers.slice(1)).toMatchObject([pending, pending]);
    expect(
      new Set(answers.slice(1).map(answer => (answer as { approval?: { id: string } }).approval?.id)),
    ).not.toContain(id);
    expect(timesRun(key)).toBe(1);
    expect(decisionsOf(key).sort()).toEqual([
      'intent needs_approval_accepted',
      'outcome needs_approval_accepted',
      ...Array(3).fill('refusal needs_approval_pending'),
    ]);
    expect(recordsOf(key).find(({ kind }) => kind === 'intent')?.call.approval).toEqual({
      id,
      decidedBy: 'boss',
      channel: 'rest',
    });
  });

  it('of a hundred uses of one approval at once one runs, over all replicas', async () => {
    await obtainApproval({ key });

    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => call(replica(index), { key })));

    expect(answers.filter(({ ended }) => ended === 'ran')).toHaveLength(1);
    expect(answers.filter(({ ended }) => ended !== 'ran')).toMatchObject(Array(99).fill(pending));
    expect(timesRun(key)).toBe(1);
    expect(decisionsOf(key).filter(decision => decision.startsWith('intent'))).toHaveLength(1);
    expect(decisionsOf(key).filter(decision => decision.startsWith('refusal'))).toHaveLength(100);
  });

  it('of a hundred answers with one state at once one runs the call, over all replicas', async () => {
    const requestState = await askModern(replica(0), { caller: ada, action, input: { key } });
    const answer = { caller: ada, action, input: { key }, requestState, inputResponses: accept };

    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => postModern(replica(index), answer)));

    expect(answers.map(readMessage).filter(({ ended }) => ended === 'ran')).toHaveLength(1);
    expect(timesRun(key)).toBe(1);
    expect(decisionsOf(key).filter(decision => decision === 'refusal needs_approval_invalid')).toHaveLength(99);
  });

  it('of a person at the client and one at the page, who both approve, the call runs for one', async () => {
    const id = await ask({ key });
    const requestState = await askModern(replica(0), { caller: ada, action, input: { key } });
    const answered = { caller: ada, action, input: { key }, requestState, inputResponses: accept };

    await Promise.all([
      decide(id, 'approve').then(() => call(replica(1), { key })),
      postModern(replica(0), answered),
      postModern(replica(1), answered),
      call(replica(0), { key }),
    ]);

    expect(timesRun(key)).toBe(1);
  });

  it('the order of keys does not matter, at any depth', async () => {
    await obtainApproval(`{"key":"${key}","set":{"a":1,"b":{"c":2,"d":3}}}`);

    const answer = await call(replica(1), `{"set":{"b":{"d":3,"c":2},"a":1.0},"key":"${key}"}`);

    expect(answer).toMatchObject({ ended: 'ran' });
    expect(timesRun(key)).toBe(1);
  });

  const swaps: [string, string, string][] = [
    ['one byte more', '"value":"stop"', '"value":"stopx"'],
    ['a letter in the other case', '"value":"stop"', '"value":"Stop"'],
    ['a letter that looks alike', '"value":"stop"', '"value":"st\u043ep"'],
    ['a letter composed otherwise', '"value":"\u00e9"', '"value":"e\u0301"'],
    ['a character that is not seen', '"value":"stop"', '"value":"st\\u200bop"'],
    ['the escape for a character', '"value":"\\u200b"', '"value":"\\\\u200b"'],
    ['a blank at the end', '"value":"stop"', '"value":"stop "'],
    ['a text for a number', '"value":1', '"value":"1"'],
    ['a truth for a number', '"value":1', '"value":true'],
    ['a number a little larger', '"value":1', '"value":1.0000000000000002'],
    ['null for nothing', '"other":1', '"other":1,"value":null'],
    ['a number too large for null', '"value":null', '"value":1e999'],
    ['null for a number too large', '"value":1e999', '"value":null'],
    ['a list for its item', '"value":1', '"value":[1]'],
    ['a list in another order', '"value":[1,2]', '"value":[2,1]'],
    ['a list nested otherwise', '"value":[[1],2]', '"value":[[1,2]]'],
    ['one key more', '"value":1', '"value":1,"force":true'],
    ['one key less', '"value":1,"dry":true', '"value":1'],
    ['a key in the other case', '"value":1', '"Value":1'],
    ['values that change places', '"a":1,"b":2', '"a":2,"b":1'],
    ['a key deeper down', '"value":{"a":1}', '"value":{"a":1,"b":1}'],
    ['a key for the prototype', '"value":{}', '"value":{"__proto__":{"a":1}}'],
    ['text that looks like the rest', '"value":"a","b":"c"', '"value":"a\\",\\"b\\":\\"c"'],
  ];
  it.each(swaps)('an approval is no good with %s', async (_what, approvedPart, usedPart) => {
    const approved = `{"key":"${key}",${approvedPart}}`;
    const used = `{"key":"${key}",${usedPart}}`;
    const first = await call(replica(0), approved);
    if (first.ended === 'refused' && first.approval) {
      expect(await decide(first.approval.id, 'approve')).toBe(200);
    }

    const answer = await call(replica(1), used);

    expect(answer).toMatchObject({ ended: 'refused', name: expect.stringMatching(/^(ApprovalRequired|Input)Error$/) });
    expect(timesRun(key)).toBe(0);
    expect(decisionsOf(key).at(-1)).toMatch(/^refusal (needs_approval_pending|refuse_)/);
  });

  it('an approval is no good for somebody else, and stays good for whom it is for', async () => {
    await obtainApproval({ key });

    expect(await call(replica(1), { key }, { caller: 'eve' })).toMatchObject(pending);
    expect(timesRun(key)).toBe(0);
    expect(recordsOf(key).at(-1)?.call.principal).toBe('servicePrincipal{eve}');
    expect(await call(replica(1), { key })).toMatchObject({ ended: 'ran' });
  });

  it('an approval is no good for another action', async () => {
    await obtainApproval({ key });

    expect(await call(replica(1), { key }, { action: 'replace-stated' })).toMatchObject(pending);
    expect(timesRun(key)).toBe(0);
  });

  it('an approval is no good in another environment', async () => {
    await obtainApproval({ key });

    expect(await call(elsewhere, { key })).toMatchObject(pending);
    expect(timesRun(key)).toBe(0);
  });

  it('an approval is no good where the action is not what it was, and stays good where it is', async () => {
    const [id, idOfOther] = [
      await obtainApproval({ key }),
      await obtainApproval({ key: `${key}-x` }, { action: 'create-stated' }),
    ];

    const afterChange = await call(changed, { key });
    const ofUnchanged = await call(changed, { key: `${key}-x` }, { action: 'create-stated' });

    expect(afterChange).toMatchObject({ ...pending, approval: { id: expect.not.stringMatching(id) } });
    expect(timesRun(key)).toBe(0);
    expect(ofUnchanged).toMatchObject({ ended: 'ran' });
    expect(idOfOther).not.toBe(id);
    expect(await call(replica(1), { key })).toMatchObject({ ended: 'ran' });
  });

  it('an approval is not used up where the mode refuses the call, and does not widen the mode', async () => {
    await obtainApproval({ key });

    const refused = await call(replica(1), { key }, { server: 'strict' });
    const ran = await call(replica(1), { key });

    expect(refused).toMatchObject({
      ended: 'refused',
      name: 'NotAllowedError',
      message: expect.stringContaining('the mode is read_only'),
    });
    expect(ran).toMatchObject({ ended: 'ran' });
  });

  it('an approval that is too old is no good, whether it was decided or not', async () => {
    const [decided, undecided] = [await obtainApproval({ key }), await ask({ key: `${key}-late` })];

    clockMs += LIFETIME_MS;
    const answer = await call(replica(1), { key });
    const late = await decide(undecided, 'approve');

    expect(answer).toMatchObject({ ...pending, approval: { id: expect.not.stringMatching(decided) } });
    expect(late).toBe(409);
    expect(await call(replica(0), { key: `${key}-late` })).toMatchObject(pending);
    expect([timesRun(key), timesRun(`${key}-late`)]).toEqual([0, 0]);
  });

  it('a call that was denied stays denied, also for a client that claims consent', async () => {
    const requestState = await askModern(replica(0), { caller: ada, action, input: { key } });
    const id = await ask({ key });
    expect(await decide(id, 'deny')).toBe(200);

    const answers = [
      await call(replica(1), { key }),
      readMessage(
        await postModern(replica(1), { caller: ada, action, input: { key }, requestState, inputResponses: accept }),
      ),
      readMessage(await postModern(replica(1), { caller: ada, action, input: { key } })),
    ];

    expect(answers).toMatchObject([
      { ended: 'refused', message: expect.stringContaining('was denied by boss') },
      { ended: 'refused', message: expect.stringContaining('no open approval') },
      { ended: 'refused', message: expect.stringContaining('was denied by boss') },
    ]);
    expect(await decide(id, 'approve')).toBe(409);
    expect(timesRun(key)).toBe(0);
  });

  it('nobody but an approver decides, and no approver about a call of their own', async () => {
    const id = await ask({ key });
    const own = await ask({ key: `${key}-own` }, { caller: 'boss' });

    const statuses = [
      await decide(id, 'approve', ada),
      await decide(id, 'approve', 'eve'),
      await decide(own, 'approve'),
    ];

    expect(statuses).toEqual([403, 404, 403]);
    expect(await call(replica(1), { key })).toMatchObject(pending);
    expect(await call(replica(1), { key: `${key}-own` }, { caller: 'boss' })).toMatchObject(pending);
    expect([timesRun(key), timesRun(`${key}-own`)]).toEqual([0, 0]);
  });

  it('a client that cannot ask after all leaves the call to those who can decide', async () => {
    const session = await WireSession.open(replica(0), { caller: ada, capabilities: { elicitation: {} } });
    const { question, rest } = await session.ask(1, { action, input: { key } });

    await session.send({ id: question.id, error: { code: -32603, message: 'accept' } });

    const answer = readMessage((await rest.next()).value);
    expect(answer).toMatchObject(pending);
    expect(await decide((answer as { approval: { id: string } }).approval.id, 'approve')).toBe(200);
    // Of its own accord the client can do nothing with the question any more.
    await session.send({ id: question.id, result: { action: 'accept' } });
    expect(timesRun(key)).toBe(0);
    expect(await call(replica(1), { key })).toMatchObject({ ended: 'ran' });
  });
}

describe('with SQLite', () => defineAttacks(openFolder));
await describeOnPostgres('with PostgreSQL', () => defineAttacks(openDatabase));
