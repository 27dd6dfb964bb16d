import { type ActionCall, TooManyRequestsError } from '@callboard/actions-api';
import { describeOnPostgres, recordingLogger } from '@callboard/test-utils';
import type { Knex } from 'knex';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testAction, testCall } from '../testing/actionCall.js';
import { openPostgresReplicas, openSqliteReplicas, type Replicas } from '../testing/replicas.js';
import { CallLimits } from './CallLimits.js';
import { CounterStore } from './CounterStore.js';
import { LEASE_MS, LeaseStore } from './LeaseStore.js';
import type { LimitSettings } from './Limit.js';

describe('limits in SQLite', () => limitsSuite(openSqliteReplicas));

await describeOnPostgres('limits in PostgreSQL', () => limitsSuite(openPostgresReplicas));

function limitsSuite(openReplicas: () => Promise<Replicas>): void {
  let replicas: Replicas;
  let now: Date;

  const advance = (ms: number) => {
    now = new Date(now.getTime() + ms);
  };
  const create = (...limits: Partial<LimitSettings>[]) =>
    new CallLimits({
      limits: limits.map(limit => ({ per: ['principal'], ...limit })),
      logger: recordingLogger().logger,
      now: () => now,
    });
  const open = (db: Knex, ...limits: Partial<LimitSettings>[]) => {
    const opened = create(...limits);
    opened.open({ counters: new CounterStore({ db }), leases: new LeaseStore({ db }) });
    return opened;
  };
  const check = async (limits: CallLimits, changes: Partial<ActionCall> = {}) => limits.check(testCall(changes));
  /** How many of these calls are let through; the others are refused by a limit. */
  const countPassing = async (calls: Promise<unknown>[]) => {
    const results = await Promise.allSettled(calls);
    for (const result of results) {
      if (result.status === 'rejected' && !(result.reason instanceof TooManyRequestsError)) {
        throw result.reason;
      }
    }
    return results.filter(({ status }) => status === 'fulfilled').length;
  };
  const rows = async (table: string) => (await replicas.one(table)).length;

  beforeEach(async () => {
    now = new Date('2027-01-01T12:00:00.000Z');
    replicas = await openReplicas();
  });

  afterEach(() => replicas.drop());

  test('a rate lets so many calls through at once, and names the limit and when to try again', async () => {
    const limits = open(replicas.one, { name: 'bursts', rate: { calls: 3, seconds: 60 } });
    for (let call = 0; call < 3; call += 1) {
      await check(limits);
    }

    await expect(check(limits)).rejects.toMatchObject({
      name: 'TooManyRequestsError',
      message:
        'Action "todo:create-item" did not run: the limit "bursts" (safety.limits[0].rate) is 3 calls per 60 seconds for each principal; try again in 20 seconds',
    });
  });

  test('calls of a rate come back evenly, at the time that was said', async () => {
    const limits = open(replicas.one, { rate: { calls: 3, seconds: 60 } });
    await countPassing([check(limits), check(limits), check(limits)]);

    advance(19_999);
    await expect(check(limits)).rejects.toThrow('try again in 1 second');
    advance(1);
    await check(limits);
    await expect(check(limits)).rejects.toThrow('try again in 20 seconds');
    advance(600_000);

    expect(await countPassing(Array.from({ length: 10 }, () => check(limits)))).toBe(3);
  });

  test.each([
    { calls: 7, seconds: 1 },
    { calls: 1_000, seconds: 86_400 },
    { calls: 150, seconds: 7 },
  ])('a rate is exact: $calls calls per $seconds seconds', async rate => {
    const limits = open(replicas.one, { rate });
    const over = rate.calls + 5;

    let passed = 0;
    for (let call = 0; call < over; call += 1) {
      passed += await countPassing([check(limits)]);
    }

    expect(passed).toBe(rate.calls);
  });

  test('of many calls at once on two replicas, exactly as many pass as one limit allows', async () => {
    const settings = { rate: { calls: 10, seconds: 60 } };
    const both = [open(replicas.one, settings), open(replicas.two, settings)];

    const passed = await countPassing(both.flatMap(limits => Array.from({ length: 30 }, () => check(limits))));

    expect(passed).toBe(10);
  });

  test('so it is with calls per day', async () => {
    const both = [open(replicas.one, { perDay: 10 }), open(replicas.two, { perDay: 10 })];

    const passed = await countPassing(both.flatMap(limits => Array.from({ length: 30 }, () => check(limits))));

    expect(passed).toBe(10);
  });

  test('and with calls that run at the same time', async () => {
    const both = [open(replicas.one, { concurrency: 5 }), open(replicas.two, { concurrency: 5 })];

    const passed = await countPassing(both.flatMap(limits => Array.from({ length: 20 }, () => check(limits))));

    expect(passed).toBe(5);
    expect(await rows('safety_leases')).toBe(5);
  });

  test('a day ends at midnight UTC', async () => {
    const limits = open(replicas.one, { perDay: 1 });
    await check(limits);

    await expect(check(limits)).rejects.toThrow(
      '(safety.limits[0].perDay) is 1 call per day for each principal; try again in 43200 seconds',
    );
    now = new Date('2027-01-01T23:59:59.999Z');
    await expect(check(limits)).rejects.toThrow('try again in 1 second');
    now = new Date('2027-01-02T00:00:00.000Z');

    await expect(check(limits)).resolves.toBeUndefined();
  });

  test('a call that did not run, such as one that waits for approval, does not count', async () => {
    const limits = open(replicas.one, { perDay: 1, rate: { calls: 1, seconds: 60 } });
    const asking = testCall();
    await limits.check(asking);

    await asking.end({ ran: false });
    const running = testCall();
    await limits.check(running);
    await running.end({ ran: true });

    await expect(check(limits)).rejects.toThrow('safety.limits[0].rate');
  });

  test('a limit for a principal holds however the configuration spells the name', async () => {
    const limits = open(replicas.one, { principal: 'User:Default/ADA', perDay: 1 });
    await check(limits);

    await expect(check(limits)).rejects.toThrow('safety.limits[0].perDay');
  });

  test('a slot is free again when its call has ended', async () => {
    const limits = open(replicas.one, { concurrency: 1 });
    const first = testCall();
    await limits.check(first);

    await expect(check(limits)).rejects.toThrow(
      '(safety.limits[0].concurrency) is 1 call at once for each principal; try again when one of them has ended',
    );
    await first.end();

    await expect(check(limits)).resolves.toBeUndefined();
  });

  test('the slots of a process that was killed become free, those of a living one do not', async () => {
    const killed = open(replicas.one, { concurrency: 2 });
    const living = open(replicas.two, { concurrency: 2 });
    await check(killed);
    await check(living);

    advance(LEASE_MS - 1);
    await living.extendLeases();
    await expect(check(living)).rejects.toThrow('safety.limits[0].concurrency');
    advance(1);
    await check(living);
    await expect(check(living)).rejects.toThrow('safety.limits[0].concurrency');

    expect(await rows('safety_leases')).toBe(2);
  });

  test('a call that ends late does not free the slot that another has by now', async () => {
    const limits = open(replicas.one, { concurrency: 1 });
    const late = testCall();
    await limits.check(late);
    advance(LEASE_MS);
    await check(limits);

    await late.end();

    await expect(check(limits)).rejects.toThrow('safety.limits[0].concurrency');
  });

  test('each principal is counted by itself, unless the limit says otherwise', async () => {
    const apart = open(replicas.one, { perDay: 1 });
    const perPair = open(replicas.one, { perDay: 1, per: ['action', 'server'] });
    const together = open(replicas.one, { perDay: 1, per: [] });
    const calls = (limits: CallLimits) =>
      countPassing([
        check(limits, { principal: 'user:default/ada', server: 'a' }),
        check(limits, { principal: 'user:default/bob', server: 'a' }),
        check(limits, { principal: 'user:default/ada', server: 'b' }),
        check(limits, { principal: 'user:default/ada', server: 'a', action: testAction({ id: 'todo:other' }) }),
      ]);

    expect([await calls(apart), await calls(perPair), await calls(together)]).toEqual([2, 3, 1]);
  });

  test('names that are put together cannot pass for others', async () => {
    const limits = open(replicas.one, { perDay: 1, per: ['principal', 'server'] });

    await check(limits, { principal: 'a', server: 'b","c' });
    await check(limits, { principal: 'a","b', server: 'c' });
    await check(limits, { principal: '__proto__', server: undefined });

    await expect(check(limits, { principal: '__proto__', server: undefined })).rejects.toThrow('perDay');
  });

  test('a limit holds for the calls that it describes, and others ask no database', async () => {
    const limits = open(replicas.one, {
      perDay: 1,
      principal: 'external:*',
      action: 'todo:*',
      server: 'ops',
      effects: ['delete'],
    });
    const fitting = { principal: 'external:ci', server: 'ops', effect: 'delete' } as const;
    await check(limits, fitting);
    const queries: string[] = [];
    replicas.one.on('query', ({ sql }) => queries.push(sql));

    await check(limits, { ...fitting, principal: 'user:default/ada' });
    await check(limits, { ...fitting, server: undefined });
    await check(limits, { ...fitting, effect: 'read' });
    await check(limits, { ...fitting, action: testAction({ id: 'audit:get-audit-events' }) });

    expect(queries).toEqual([]);
    await expect(check(limits, fitting)).rejects.toThrow('safety.limits[0].perDay');
  });

  test('all limits hold together, and a call that one refuses does not use up another', async () => {
    const limits = open(
      replicas.one,
      { perDay: 3 },
      { rate: { calls: 5, seconds: 60 } },
      { concurrency: 1 },
      { rate: { calls: 1, seconds: 1 } },
    );
    const ended = async () => {
      const call = testCall();
      try {
        await limits.check(call);
      } finally {
        await call.end();
      }
    };
    await ended();

    for (let call = 0; call < 10; call += 1) {
      await expect(ended()).rejects.toThrow('safety.limits[3].rate');
    }
    advance(1_000);
    await ended();
    advance(1_000);
    await ended();
    advance(1_000);

    await expect(ended()).rejects.toThrow('safety.limits[0].perDay');
    expect(await rows('safety_leases')).toBe(0);
  });

  test('what is counted stays when other limits are put before it', async () => {
    await check(open(replicas.one, { perDay: 1 }));

    const restarted = open(replicas.one, { perDay: 100, per: [] }, { perDay: 1 });

    await expect(check(restarted)).rejects.toThrow('safety.limits[1].perDay');
  });

  test('explaining names the limits and counts nothing', async () => {
    const limits = open(
      replicas.one,
      { rate: { calls: 10, seconds: 60 }, concurrency: 2 },
      { perDay: 5, per: [], effects: ['delete'] },
    );

    expect(limits.explain(testCall({ effect: 'delete' }))).toEqual({
      verdict: 'depends',
      because:
        'calls are limited to 10 calls per 60 seconds for each principal; 2 calls at once for each principal; 5 calls per day in all',
      config: 'safety.limits[0], safety.limits[1]',
    });
    expect(limits.explain(testCall())).toMatchObject({ config: 'safety.limits[0]' });
    expect(open(replicas.one).explain(testCall())).toEqual({
      verdict: 'passes',
      because: 'no limit applies to such calls',
    });
    expect(await rows('safety_counters')).toBe(0);
  });

  test('what cannot be counted does not run, be it a read; what is not limited runs', async () => {
    const unopened = create({ perDay: 1, effects: ['read'] });
    const limits = open(replicas.one, { perDay: 1, effects: ['read'] }, { concurrency: 1, effects: ['delete'] });
    await replicas.disconnect();

    for (const limited of [check(unopened, { effect: 'read' }), check(limits, { effect: 'read' })]) {
      await expect(limited).rejects.toMatchObject({
        name: 'ServiceUnavailableError',
        message: 'The limit safety.limits[0] cannot be checked, because the database does not answer; try again later',
      });
    }
    await expect(check(limits, { effect: 'delete' })).rejects.toThrow('safety.limits[1] cannot be checked');
    await expect(check(limits, { effect: 'create' })).resolves.toBeUndefined();
  });

  test('counters and slots that are past are removed, others are kept', async () => {
    const limits = open(replicas.one, { perDay: 1 }, { rate: { calls: 2, seconds: 60 } }, { concurrency: 1 });
    await check(limits);

    advance(LEASE_MS - 1);
    await limits.purge();
    expect([await rows('safety_counters'), await rows('safety_leases')]).toEqual([2, 1]);
    advance(70_000);
    await limits.purge();
    expect([await rows('safety_counters'), await rows('safety_leases')]).toEqual([1, 0]);
    now = new Date('2027-01-02T00:00:00.000Z');
    await limits.purge();

    expect(await rows('safety_counters')).toBe(0);
  });
}
