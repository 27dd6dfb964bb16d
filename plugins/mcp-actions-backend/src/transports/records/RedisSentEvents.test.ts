import {
  describeOnRedis,
  describeWithRedisServer,
  type OpenedReplicas,
  openReplicas,
  startRedis,
} from '@callboard/test-utils';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { defineSentEventsContract } from '../../testing/sentEventsContract.js';
import { sampleRecord } from '../../testing/sessionRecordsContract.js';
import { RedisSentEvents } from './RedisSentEvents.js';
import { RedisSessionRecords } from './RedisSessionRecords.js';
import { eventKeysOf } from './sessionKeys.js';

let opened: OpenedReplicas;
let sessions = 0;
afterEach(() => opened.drop());

/** Opens a session, and returns how replicas keep its events. */
async function openSession({ maxEvents = 10, ...rest }: { maxEvents?: number; maxBytes?: number } = {}) {
  sessions += 1;
  const sessionId = `session-for-events-${sessions}`;
  const [{ redis }] = opened.replicas as [OpenedReplicas['replicas'][number]];
  const records = new RedisSessionRecords({ redis, kind: 'streamable', maxSessions: 100, idleTimeoutMs: 60_000 });
  await records.add({ ...sampleRecord, id: sessionId });
  const eventsAt = (index: number) =>
    new RedisSentEvents({
      ...rest,
      redis: opened.replicas[index]?.redis as typeof redis,
      logger: opened.logger,
      kind: 'streamable',
      sessionId,
      maxEvents,
      lifetimeMs: 60_000,
    });
  return { sessionId, records, eventsAt, keys: eventKeysOf(redis, 'streamable', sessionId) };
}

await describeOnRedis('events in Redis', () => {
  beforeEach(async () => {
    opened = await openReplicas(2);
  });

  defineSentEventsContract(async options => ({
    sent: (await openSession(options)).eventsAt(0),
    ofAnother: (await openSession(options)).eventsAt(0),
  }));

  it('are found by every replica, under ids that differ whoever sent them', async () => {
    const { eventsAt } = await openSession();
    const [one, two] = [eventsAt(0), eventsAt(1)];
    const first = one.add('~', '{"n":1}');
    await one.flush();
    const second = two.add('~', '{"n":2}');
    await two.flush();

    const missed = await one.after(first);

    expect(missed?.events).toEqual([{ id: second, json: '{"n":2}' }]);
    expect((await two.after(second))?.events).toEqual([]);
  });

  it('are written in their order, and not one by one', async () => {
    const { eventsAt, keys } = await openSession({ maxEvents: 100 });
    const sent = eventsAt(0);
    const ids = Array.from({ length: 50 }, (_, index) => sent.add('a', `{"n":${index}}`));

    await vi.waitFor(async () => expect(await opened.redis.command('LLEN', keys.events)).toBe(50));

    const missed = await eventsAt(1).after(ids[0] as string);
    expect(missed?.events.map(({ id }) => id)).toEqual(ids.slice(1));
  });

  it('say nothing to who reads Redis, and nothing that somebody else has written there is taken for one', async () => {
    const { eventsAt, keys } = await openSession();
    const sent = eventsAt(0);
    const first = sent.begin('a', [1]);
    sent.add('a', '{"secret":"open-sesame"}');
    await sent.flush();
    const [begun, told] = (await opened.redis.command('LRANGE', keys.events, '0', '-1')) as [string, string];

    const withoutIds = (entry: string) => entry.split(' ').at(-1) as string;
    await opened.redis.command('LSET', keys.events, '1', told.replace(withoutIds(told), withoutIds(begun)));

    expect(begun + told).not.toContain('sesame');
    expect(Buffer.from(withoutIds(told), 'base64url').toString()).not.toContain('sesame');
    expect(await sent.after(first)).toBeUndefined();
  });

  it('end with the session, and are not kept for one that has ended', async () => {
    const { eventsAt, records, sessionId, keys } = await openSession();
    const sent = eventsAt(0);
    sent.add('a', '{}');
    await sent.flush();

    await records.take(sessionId);
    const afterIt = await opened.redis.command('EXISTS', ...Object.values(keys));
    sent.add('a', '{}');
    await sent.flush();

    expect(afterIt).toBe(0);
    expect(await opened.redis.command('EXISTS', ...Object.values(keys))).toBe(0);
  });

  it('go by themselves where nothing comes after them', async () => {
    const { eventsAt, keys } = await openSession();
    const sent = eventsAt(0);
    sent.add('a', '{}');
    await sent.flush();

    expect(Number(await opened.redis.command('PTTL', keys.events))).toBeGreaterThan(0);
  });
});

describeWithRedisServer('events of a session, where Redis is away', () => {
  it('are not found from before a gap on, and from after it they are', async () => {
    const redis = await startRedis({ args: ['--appendonly', 'yes'] });
    opened = await openReplicas(1, { redis });
    const { eventsAt } = await openSession();
    const sent = eventsAt(0);
    const before = sent.add('a', '{"n":1}');
    await sent.flush();

    await redis.kill();
    await vi.waitFor(() => expect(opened.replicas[0]?.redis.isReady).toBe(false));
    const lost = sent.add('a', '{"n":2}');
    await sent.flush();
    const meanwhile = sent.after(before);
    await expect(meanwhile).rejects.toMatchObject({ name: 'ServiceUnavailableError' });
    await redis.start();
    await vi.waitFor(() => expect(opened.replicas[0]?.redis.isReady).toBe(true), { timeout: 10_000 });
    const after = sent.add('a', '{"n":3}');

    expect(await sent.after(before)).toBeUndefined();
    expect((await sent.after(lost))?.events.map(({ id }) => id)).toEqual([after]);
  });
});
