import { describeOnRedis, type OpenedReplicas, openReplicas } from '@callboard/test-utils';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { defineSessionRecordsContract, sampleRecord } from '../../testing/sessionRecordsContract.js';
import { RedisSessionRecords } from './RedisSessionRecords.js';
import { recordKeyOf } from './sessionKeys.js';

await describeOnRedis('records of sessions in Redis', () => {
  let opened: OpenedReplicas;
  beforeEach(async () => {
    opened = await openReplicas(2);
  });
  afterEach(() => opened.drop());

  function recordsAt(index: number, options: Partial<ConstructorParameters<typeof RedisSessionRecords>[0]> = {}) {
    const [first, second] = opened.replicas.map(({ redis }) => redis);
    const redis = (index === 0 ? first : second) as NonNullable<typeof first>;
    return new RedisSessionRecords({ redis, kind: 'streamable', maxSessions: 10, idleTimeoutMs: 60_000, ...options });
  }
  const keyOf = (id: string) => recordKeyOf(recordsRedis(), 'streamable', id);
  const recordsRedis = () => (opened.replicas[0] as OpenedReplicas['replicas'][number]).redis;

  defineSessionRecordsContract(async options => recordsAt(0, { ...options, latenessMs: 0 }));

  it('are found by every replica, and under another kind not', async () => {
    await recordsAt(0).add(sampleRecord);
    await recordsAt(0).open();
    await recordsAt(1, { kind: 'sse' }).open();

    expect(await recordsAt(1).find(sampleRecord.id)).toEqual(sampleRecord);
    expect(await recordsAt(1, { kind: 'sse' }).find(sampleRecord.id)).toBeUndefined();
  });

  it('say nothing of their owners to who reads Redis', async () => {
    await recordsAt(0).add({ ...sampleRecord, subscriptions: ['secret://door'] });

    const kept = JSON.stringify(await opened.redis.command('HGETALL', keyOf(sampleRecord.id)));

    expect(kept).not.toMatch(/ada|secret|protocolVersion/);
  });

  it('cannot be made by who writes there, nor one be made of another', async () => {
    const records = recordsAt(0);
    const other = { ...sampleRecord, id: 'session-of-somebody-else', owner: 'user:default/eve' };
    await records.add(sampleRecord);
    await records.add(other);
    const sealed = String(await opened.redis.command('HGET', keyOf(other.id), 'opened'));

    await opened.redis.command('HSET', keyOf(sampleRecord.id), 'opened', sealed);
    await opened.redis.command('HSET', keyOf('session-that-never-was'), 'opened', sealed);

    expect(await records.find(sampleRecord.id)).toBeUndefined();
    expect(await records.find('session-that-never-was')).toBeUndefined();
    expect(await records.find(other.id)).toEqual(other);
  });

  it('go by themselves where all replicas are gone', async () => {
    await recordsAt(0).add(sampleRecord);

    const lifetimes = await Promise.all(
      ((await opened.redis.command('KEYS', `${opened.redis.prefix}:mcp-sessions:*`)) as string[]).map(key =>
        opened.redis.command('PTTL', key),
      ),
    );

    expect(lifetimes).toHaveLength(3);
    expect(lifetimes.every(lifetimeMs => Number(lifetimeMs) > 60_000)).toBe(true);
  });

  it('are not said to be gone where Redis has lost them, before replicas have had time to write them again', async () => {
    const clock = { nowMs: 1_000_000 };
    const records = recordsAt(0, { nowMs: () => clock.nowMs });
    await records.open();
    const beforeLoss = await records.find('session-that-never-was');
    await opened.redis.drop();

    const whileLost = records.find(sampleRecord.id);
    await expect(whileLost).rejects.toMatchObject({ name: 'ServiceUnavailableError' });
    const heldWhileLost = await records.sync([sampleRecord.id]);
    await records.restore([sampleRecord]);
    const soonAfter = records.find('session-that-never-was');
    await expect(soonAfter).rejects.toMatchObject({ name: 'ServiceUnavailableError' });
    clock.nowMs += 10_000;

    expect(beforeLoss).toBeUndefined();
    expect(heldWhileLost.ended).toEqual([]);
    expect(await records.find(sampleRecord.id)).toEqual(sampleRecord);
    expect(await records.find('session-that-never-was')).toBeUndefined();
  });
});
