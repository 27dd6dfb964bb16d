import type { Approval } from '@callboard/actions-api';
import {
  approvalRequest,
  describeApprovalBook,
  describeOnPostgres,
  openPostgres,
  openSqlite,
  type TestDatabase,
} from '@callboard/test-utils';
import type { Knex } from 'knex';
import createKnex from 'knex';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from './openDatabase.js';
import { SqlApprovals } from './SqlApprovals.js';

const lifetimeMs = 3_600_000;
const dayMs = 86_400_000;

type Replicas = TestDatabase & { replicaDb: Knex; dropAll(): Promise<void> };

/** SQLite in memory has one connection, which two replicas share here. */
async function openTwoOnSqlite(): Promise<Replicas> {
  const database = await openSqlite();
  await openDatabase({ getClient: async () => database.db });
  return { ...database, replicaDb: database.db, dropAll: database.drop };
}

async function openTwoOnPostgres(): Promise<Replicas> {
  const database = await openPostgres();
  const replicaDb = createKnex({ client: 'pg', connection: database.url, pool: { min: 0, max: 10 } });
  // Both start at once.
  await Promise.all([database.db, replicaDb].map(db => openDatabase({ getClient: async () => db })));
  const dropAll = async () => {
    await replicaDb.destroy();
    await database.drop();
  };
  return { ...database, replicaDb, dropAll };
}

function openBook(db: Knex, now: () => Date, log: string[] = []) {
  const note = (event: string) => (approval: Approval) => void log.push(`${event} ${approval.id} ${approval.state}`);
  return new SqlApprovals({
    db,
    lifetimeMs,
    maxPendingPerPrincipal: 50,
    keepMs: 30 * dayMs,
    urlOf: ({ id }) => `http://localhost/pages/${id}`,
    events: { opened: note('opened'), decided: note('decided'), timedOut: note('timedOut') },
    now,
  });
}

function contract(name: string, openReplicas: () => Promise<Replicas>): void {
  describeApprovalBook(name, async () => {
    const { db, replicaDb, dropAll } = await openReplicas();
    let now = new Date('2027-01-01T00:00:00.000Z');
    const [book, replica] = [db, replicaDb].map(of => openBook(of, () => now)) as [SqlApprovals, SqlApprovals];
    return {
      book,
      replica,
      lifetimeMs,
      maxPendingPerPrincipal: 50,
      advance: ms => {
        now = new Date(now.getTime() + ms);
      },
      decide: (id, state) => replica.decide(id, { state, decidedBy: 'user:default/eve', channel: 'rest' }),
      close: dropAll,
    };
  });
}

contract('approvals in SQLite', openTwoOnSqlite);
describe('more of approvals in SQLite', () => sqlSuite(openTwoOnSqlite));

await describeOnPostgres('PostgreSQL', () => {
  contract('approvals in PostgreSQL', openTwoOnPostgres);
  describe('more of approvals in PostgreSQL', () => sqlSuite(openTwoOnPostgres));
});

function sqlSuite(openReplicas: () => Promise<Replicas>): void {
  const binding = 'a'.repeat(64);
  const decision = { decidedBy: 'user:default/eve', channel: 'page' } as const;
  let replicas: Replicas;
  let now: Date;
  let log: string[];
  let book: SqlApprovals;
  let replica: SqlApprovals;

  const advance = (ms: number) => {
    now = new Date(now.getTime() + ms);
  };

  beforeEach(async () => {
    replicas = await openReplicas();
    now = new Date('2027-01-01T00:00:00.000Z');
    log = [];
    book = openBook(replicas.db, () => now, log);
    replica = openBook(replicas.replicaDb, () => now, log);
  });

  afterEach(() => replicas.dropAll());

  test('requests are given back as they were, whatever is in them', async () => {
    const odd = 'a\u0000b\ud83d\u202e漢'.repeat(100);
    const request = approvalRequest({
      principal: odd,
      reason: odd,
      arguments: { [odd]: odd, __proto__x: [1.5, null, true] },
      preview: { before: null, after: { odd } },
    });

    const { id } = await book.open(request);

    expect((await replica.findById(id))?.request).toEqual(JSON.parse(JSON.stringify(request)));
    expect(await book.findById('no such id')).toBeUndefined();
  });

  test('one who approves gives a fresh lifetime, one who denies does not', async () => {
    const { id } = await book.open(approvalRequest({ binding }));
    const other = await book.open(approvalRequest({ binding: 'b'.repeat(64) }));
    advance(1_000);

    const approved = await book.decide(id, { ...decision, state: 'approved', comment: 'go' });
    const denied = await book.decide(other.id, { ...decision, state: 'denied' });

    expect(approved).toMatchObject({
      state: 'approved',
      ...decision,
      comment: 'go',
      decidedAt: '2027-01-01T00:00:01.000Z',
    });
    expect(approved?.expiresAt).toBe('2027-01-01T01:00:01.000Z');
    expect(denied?.expiresAt).toBe(other.expiresAt);
  });

  test('of 100 decisions at once one counts, and is told once', async () => {
    const { id } = await book.open(approvalRequest());

    const results = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        (n % 2 ? book : replica).decide(id, { ...decision, state: n % 3 ? 'approved' : 'denied' }),
      ),
    );

    expect(results.filter(Boolean)).toHaveLength(1);
    expect(log.filter(line => line.startsWith('decided'))).toHaveLength(1);
  });

  test('of a decision and an answer in the client at once one counts', async () => {
    const { id } = await book.open(approvalRequest({ binding }));

    const results = await Promise.all([
      book.decide(id, { ...decision, state: 'denied' }),
      replica.answer(id, binding, 'accept'),
    ]);

    expect(results.filter(Boolean)).toHaveLength(1);
  });

  test('opening, deciding and running out of time are told once, over all replicas', async () => {
    const [used, late, unused] = await Promise.all(
      ['1', '2', '3'].map(digit => book.open(approvalRequest({ binding: digit.repeat(64) }))),
    );
    await replica.answer(String(used?.id), '1'.repeat(64), 'accept');
    await book.decide(String(unused?.id), { ...decision, state: 'approved' });
    advance(lifetimeMs);
    // Seen as expired before anybody has noted it.
    expect((await book.findById(String(late?.id)))?.state).toBe('expired');

    await Promise.all([book.sweep(), replica.sweep(), book.sweep()]);

    expect([...log].sort()).toEqual(
      [
        ...[used, late, unused].map(approval => `opened ${approval?.id} pending`),
        `decided ${used?.id} used`,
        `decided ${unused?.id} approved`,
        `timedOut ${late?.id} expired`,
      ].sort(),
    );
    expect(await book.list({ state: 'expired', limit: 10 })).toHaveLength(2);
  });

  test('one that ran out of time unnoticed and was opened anew is told as well', async () => {
    const first = await book.open(approvalRequest());
    advance(lifetimeMs);
    const second = await book.open(approvalRequest());

    await replica.sweep();

    expect(log.at(-1)).toBe(`timedOut ${first.id} expired`);
    expect(await book.find(binding)).toMatchObject({ id: second.id, state: 'pending' });
  });

  test('what is over is kept for its time and then removed', async () => {
    const { id } = await book.open(approvalRequest());
    advance(lifetimeMs);
    await book.sweep();
    advance(30 * dayMs - 1);
    await book.sweep();
    expect(await book.findById(id)).toBeDefined();

    advance(1);
    await book.sweep();

    expect(await book.findById(id)).toBeUndefined();
  });

  test('lists newest first, page by page, by state and by principal', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      const principal = n === 2 ? 'user:default/bob' : 'user:default/ada';
      ids.unshift((await book.open(approvalRequest({ binding: `${n}`.repeat(64), principal }))).id);
      advance(n === 3 ? 0 : 1_000);
    }
    await book.decide(String(ids[0]), { ...decision, state: 'denied' });
    const idsOf = (list: Approval[]) => list.map(({ id }) => id);

    const pages: string[][] = [];
    for (let page = await book.list({ limit: 2 }); page.length > 0; ) {
      pages.push(idsOf(page));
      page = await book.list({ limit: 2, after: page.at(-1) });
    }

    expect(pages.map(({ length }) => length)).toEqual([2, 2, 1]);
    expect(new Set(pages.flat())).toEqual(new Set(ids));
    expect(pages.flat().slice(2)).toEqual(ids.slice(2));
    expect(idsOf(await book.list({ state: 'denied', limit: 10 }))).toEqual([ids[0]]);
    expect(await book.list({ state: 'pending', limit: 10 })).toHaveLength(4);
    expect(idsOf(await book.list({ principal: 'user:default/bob', limit: 10 }))).toEqual([ids[2]]);
    advance(lifetimeMs);
    expect(await book.list({ state: 'pending', limit: 10 })).toEqual([]);
  });

  test('whoever watches sees every change, in whichever replica it is made', async () => {
    const seen = new Set<string>();
    const look = async () => {
      const before = seen.size;
      seen.add(await book.stateCounts());
      return seen.size > before;
    };
    await look();

    const { id } = await replica.open(approvalRequest({ binding }));
    expect(await look()).toBe(true);
    expect(await look()).toBe(false);
    expect((await book.statesOf([id, 'none'])).get(id)).toBe('pending');
    await replica.decide(id, { ...decision, state: 'approved' });
    expect(await look()).toBe(true);
    await replica.redeem(binding);
    expect(await look()).toBe(true);
    expect([...(await book.statesOf([id]))]).toEqual([[id, 'used']]);
    await replica.open(approvalRequest({ binding }));
    expect(await look()).toBe(true);
    advance(lifetimeMs);
    expect(await look()).toBe(true);
  });
}
