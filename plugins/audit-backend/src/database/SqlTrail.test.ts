import {
  describeOnPostgres,
  openPostgres,
  openSqlite,
  recordingLogger,
  type TestDatabase,
} from '@callboard/test-utils';
import type { Knex } from 'knex';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AuditRecorder, type FailureMode } from '../AuditRecorder.js';
import { auditedCall, success } from '../testing/auditedCall.js';
import { AuditEvents } from './AuditEvents.js';
import { openDatabase } from './openDatabase.js';
import { SqlTrail } from './SqlTrail.js';
import { verifyChains } from './verifyChains.js';

describe('the trail in SQLite', () => sqlTrailSuite(openSqlite));

await describeOnPostgres('the trail in PostgreSQL', () => sqlTrailSuite(openPostgres));

function sqlTrailSuite(openTestDatabase: () => Promise<TestDatabase>): void {
  let database: TestDatabase;
  let db: Knex;
  let now: Date;
  let logs: ReturnType<typeof recordingLogger>['logs'];

  const clock = () => now;
  const openRecorder = async (options: { chain?: string; mode?: FailureMode } = {}) => {
    const recording = recordingLogger();
    logs = recording.logs;
    const recorder = new AuditRecorder({
      failureMode: options.mode ?? 'strict',
      maxInputBytes: 1_000,
      logger: recording.logger,
      alerts: { raise() {} },
      now: clock,
    });
    await recorder.open([new SqlTrail({ db, chain: options.chain ?? 'one', now: clock })]);
    return recorder;
  };
  const record = async (recorder: AuditRecorder, changes: Parameters<typeof auditedCall>[0] = {}) => {
    now = new Date(now.getTime() + 1_000);
    const entry = await recorder.begin(auditedCall(changes));
    await entry.finish(success);
  };

  beforeEach(async () => {
    now = new Date('2027-01-01T00:00:00.000Z');
    database = await openTestDatabase();
    db = await openDatabase({ getClient: async () => database.db });
  });

  afterEach(() => database.drop());

  test('gives records back as they were written', async () => {
    const recorder = await openRecorder();
    const odd = 'a\u0000b\ud83dc\u2028d';
    await recorder.begin(
      auditedCall({ name: odd, principal: odd, input: { [odd]: odd, n: 1.5, nothing: null, deep: [{}] } }),
    );

    const [event] = await new AuditEvents({ db }).listEvents({ limit: 10 });

    expect(event).toMatchObject({
      kind: 'intent',
      name: 'a\\u{0}b\ufffdc\\u{2028}d',
      input: { [odd]: odd, n: 1.5, nothing: null, deep: [{}] },
      seq: 2,
    });
    expect(await verifyChains(db)).toMatchObject([{ ok: true, records: 2, chain: 'one' }]);
  });

  test('the chain goes on when it is opened again, and each replica has its own', async () => {
    await record(await openRecorder());
    await record(await openRecorder());
    const replicas = await Promise.all(['two', 'three'].map(chain => openRecorder({ chain })));
    await Promise.all(replicas.flatMap(replica => Array.from({ length: 20 }, () => record(replica))));

    const chains = await verifyChains(db);

    expect(chains.map(({ chain, ok, records }) => [chain, ok, records]).sort()).toEqual([
      ['one', true, 6],
      ['three', true, 41],
      ['two', true, 41],
    ]);
  });

  test('two processes on one chain take turns', async () => {
    const [one, other] = [await openRecorder(), await openRecorder()];

    for (let turn = 0; turn < 5; turn += 1) {
      await Promise.all([record(one), record(other)]);
    }

    expect(await verifyChains(db)).toMatchObject([{ ok: true, records: 22 }]);
  });

  test('2,000 records at once are written in order', async () => {
    const recorder = await openRecorder();
    const calls = Array.from({ length: 2_000 }, () => auditedCall());

    await Promise.all(calls.map(call => recorder.begin(call)));

    const rows = await db('audit_records').where('kind', 'intent').orderBy('seq');
    expect(rows.map(({ request_id }) => request_id)).toEqual(calls.map(({ requestId }) => requestId));
    expect(await verifyChains(db)).toMatchObject([{ ok: true, records: 2_001 }]);
  });

  test.each<[string, (table: () => Knex.QueryBuilder) => Promise<unknown>, object]>([
    ['a changed principal', t => t().where('seq', 4).update('principal', 'x'), { kind: 'changed', seq: 4 }],
    ['a changed input', t => t().where('seq', 4).update('input', '{"n":9}'), { kind: 'changed', seq: 4 }],
    ['an input that is no JSON', t => t().where('seq', 4).update('input', '{'), { kind: 'changed', seq: 4 }],
    ['an emptied decision', t => t().where('seq', 4).update('decision', null), { kind: 'changed', seq: 4 }],
    ['a removed first row', t => t().where('seq', 1).delete(), { kind: 'removed', seq: 2 }],
    ['a removed row', t => t().where('seq', 4).delete(), { kind: 'removed', seq: 5 }],
    ['removed last rows', t => t().where('seq', '>', 5).delete(), { kind: 'cut', seq: 6 }],
    ['all rows removed', t => t().delete(), { kind: 'cut', seq: 1 }],
    ['a row of another place', t => t().where('seq', 4).update('seq', 99), { kind: 'removed', seq: 5 }],
  ])('%s is found', async (_name, tamper, problem) => {
    const recorder = await openRecorder();
    for (let n = 0; n < 4; n += 1) {
      await record(recorder, { input: { n } });
    }

    await tamper(() => db('audit_records'));

    expect(await verifyChains(db)).toMatchObject([{ ok: false, problem }]);
  });

  test('a chain whose end is not noted any more is found', async () => {
    await record(await openRecorder());
    await db('audit_chains').delete();

    expect(await verifyChains(db)).toMatchObject([{ chain: 'one', ok: false, problem: { kind: 'removed' } }]);
  });

  test('a database that fails is treated as the mode says, and written again when it works', async () => {
    const strict = await openRecorder();
    await db.schema.renameTable('audit_records', 'gone');

    await expect(strict.begin(auditedCall())).rejects.toThrow('audit: "todo:purge-done" did not run');
    await db.schema.renameTable('gone', 'audit_records');
    await record(strict);

    expect(logs.filter(({ level }) => level === 'error')).toHaveLength(1);
    expect(await verifyChains(db)).toMatchObject([{ ok: true, records: 3 }]);
  });

  test.each<[FailureMode, 'read' | 'delete', boolean]>([
    ['strict', 'read', false],
    ['strict_mutations', 'read', true],
    ['strict_mutations', 'delete', false],
    ['best_effort', 'delete', true],
  ])('a closed database under %s: a %s runs: %s', async (mode, effect, runs) => {
    const recorder = await openRecorder({ mode });
    await db.destroy();

    const [result] = await Promise.allSettled([recorder.begin(auditedCall({ effect }))]);

    expect(result?.status).toBe(runs ? 'fulfilled' : 'rejected');
    db.initialize();
  });

  test('finds events by every filter, newest first, page by page', async () => {
    const recorder = await openRecorder();
    await record(recorder, { requestId: 'r1' });
    await record(recorder, { requestId: 'r2', principal: 'user:default/bob', effect: 'read', actionId: 'todo:list' });
    await record(recorder, { requestId: 'r4', principal: 'userPrincipal{user:default/eve,actor={plugin:x}}' });
    await record(recorder, {
      requestId: 'r3',
      clientId: 'cd',
      agentId: 'triage',
      mode: 'safe',
      decision: 'needs_approval_accepted',
      approval: { id: 'approval-1', decidedBy: 'user:default/bob', channel: 'page' },
    });
    const events = new AuditEvents({ db });
    const find = async (query: object) =>
      (await events.listEvents({ limit: 100, ...query })).map(({ requestId, kind }) => `${requestId} ${kind}`);

    const of = (...ids: string[]) => ids.flatMap(id => [`${id} outcome`, `${id} intent`]);
    expect(await find({})).toEqual(of('r3', 'r4', 'r2', 'r1'));
    expect(await find({ principal: 'user:default/bob' })).toEqual(of('r2'));
    expect(await find({ principal: 'user:default/eve' })).toEqual(of('r4'));
    expect(await find({ effects: ['read'] })).toEqual(of('r2'));
    expect(await find({ effects: ['read', 'delete'] })).toEqual(of('r3', 'r4', 'r2', 'r1'));
    expect(await find({ effects: [] })).toEqual([]);
    expect(await find({ agentId: 'triage' })).toEqual(of('r3'));
    expect(await find({ mode: 'safe' })).toEqual(of('r3'));
    expect(await find({ approvalId: 'approval-1' })).toEqual(of('r3'));
    expect(await find({ actionId: 'todo:list' })).toEqual(of('r2'));
    expect(await find({ clientId: 'ci' })).toEqual(of('r4', 'r2', 'r1'));
    expect(await find({ decision: 'needs_approval_accepted' })).toEqual(of('r3'));
    expect(await find({ decision: 'needs_approval' })).toEqual(of('r3'));
    expect(await find({ decision: 'allow' })).toEqual(of('r4', 'r2', 'r1'));
    expect(await find({ decision: 'needs_app' })).toEqual([]);
    expect(await find({ decision: '%' })).toEqual([]);
    expect(await find({ requestId: 'r1' })).toEqual(of('r1'));
    expect(await find({ since: '2027-01-01T00:00:02.000Z', until: '2027-01-01T00:00:03.000Z' })).toEqual(of('r2'));
    expect(await find({ principal: "' or 1=1 --" })).toEqual([]);
    expect(await find({ principal: 'user:default/a' })).toEqual([]);
    const pages = [];
    for (let page = await events.listEvents({ limit: 2 }); page.length > 0; ) {
      pages.push(...page.map(({ requestId, kind }) => `${requestId} ${kind}`));
      page = await events.listEvents({ limit: 2, after: page.at(-1) });
    }
    expect(pages).toEqual(of('r3', 'r4', 'r2', 'r1'));
  });

  test('takes the longest texts that come', async () => {
    const recorder = await openRecorder();
    const long = '漢'.repeat(100_000);

    await record(recorder, { name: long, principal: long, clientId: long, actionId: long, decision: long });

    expect(await verifyChains(db)).toMatchObject([{ ok: true, records: 3 }]);
  });
}
