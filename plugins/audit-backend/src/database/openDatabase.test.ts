import { fileURLToPath } from 'node:url';
import { describeOnPostgres, openPostgres, openSqlite, type TestDatabase } from '@callboard/test-utils';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CallRecords } from '../record/callRecords.js';
import { genesisHash, sealAll } from '../record/chain.js';
import { auditedCall } from '../testing/auditedCall.js';
import { AuditEvents } from './AuditEvents.js';
import { openDatabase } from './openDatabase.js';
import { SqlTrail } from './SqlTrail.js';
import { verifyChains } from './verifyChains.js';

const directory = fileURLToPath(new URL('../../migrations', import.meta.url));

describe('a database of an earlier version, SQLite', () => suite(openSqlite));

await describeOnPostgres('a database of an earlier version, PostgreSQL', () => suite(openPostgres));

function suite(openTestDatabase: () => Promise<TestDatabase>): void {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await openTestDatabase();
  });

  afterEach(() => database.drop());

  test('keeps its records, and its chain goes on and verifies', async () => {
    const { db } = database;
    await db.migrate.up({ directory, name: '20261120130000_trail.js' });
    const at = new Date('2026-12-01T00:00:00.000Z');
    // As it was recorded then.
    const old = {
      kind: 'intent' as const,
      time: at.toISOString(),
      requestId: 'r1',
      principal: 'user:default/ada',
      door: 'mcp',
      name: 'todo.purge-done',
      actionId: 'todo:purge-done',
      effect: 'delete' as const,
      decision: 'allow',
      input: { n: 1 },
    };
    const sealed = sealAll([old], { chain: 'one', seq: 0, hash: genesisHash })[0]?.record;
    await db('audit_chains').insert({ id: 'one', started_at: old.time, last_seq: 1, last_hash: sealed?.hash });
    await db('audit_records').insert({
      chain: 'one',
      seq: 1,
      kind: old.kind,
      time: old.time,
      request_id: old.requestId,
      principal: old.principal,
      door: old.door,
      name: old.name,
      action_id: old.actionId,
      effect: old.effect,
      decision: old.decision,
      input: '{"n":1}',
      prev_hash: genesisHash,
      hash: sealed?.hash,
    });

    await openDatabase({ getClient: async () => db });
    const trail = new SqlTrail({ db, chain: 'one', now: () => at });
    const approval = { id: 'approval-1', decidedBy: 'user:default/bob', channel: 'page' } as const;
    const call = auditedCall({ agentId: 'triage', mode: 'safe', decision: 'needs_approval_accepted', approval });
    await trail.append([new CallRecords({ call, maxInputBytes: 1_000 }).intent(new Date(at.getTime() + 1))]);

    expect(await verifyChains(db)).toMatchObject([{ ok: true, records: 2 }]);
    const [newer, older] = await new AuditEvents({ db }).listEvents({ limit: 10 });
    expect(older).toEqual(sealed);
    expect(newer).toMatchObject({
      agentId: 'triage',
      mode: 'safe',
      approvalId: 'approval-1',
      decidedBy: 'user:default/bob',
      channel: 'page',
    });
  });
}
