import { describeOnRedis, type OpenedReplicas, openReplicas, recordingLogger } from '@callboard/test-utils';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LogLevels } from '../protocol/client/LogLevels.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import type { RequestContext } from '../protocol/RequestContext.js';
import { ResourceSubscriptions } from '../resources/ResourceSubscriptions.js';
import type { ConnectionTransport } from './Connection.js';
import { ConnectionLink } from './ConnectionLink.js';
import { Connections } from './Connections.js';
import { RequestIds } from './RequestIds.js';
import { RedisSessionRecords } from './records/RedisSessionRecords.js';

const ID = 'session-0000000000000001';
const IDLE_MS = 1000;

await describeOnRedis('connections of two replicas', () => {
  let opened: OpenedReplicas;
  let clock: { nowMs: number };
  let closed: { by: number; durationMs: number }[];
  let one: Replica;
  let two: Replica;
  beforeEach(async () => {
    opened = await openReplicas(2);
    clock = { nowMs: 1_000_000 };
    closed = [];
    one = createReplica(0);
    two = createReplica(1);
  });
  afterEach(() => opened.drop());

  type Replica = ReturnType<typeof createReplica>;

  function createReplica(index: number) {
    const replicas = opened.replicas[index] as OpenedReplicas['replicas'][number];
    const subscriptions = new ResourceSubscriptions();
    const server = {
      config: {},
      logLevels: new LogLevels(),
      subscriptionsOf: () => subscriptions,
    } as unknown as PublishedServer;
    const ended: string[] = [];
    const create = (id: string) => ({
      transport: {
        isBusy: false,
        initialize: async () => {},
        flush: async () => {},
        endStreams: () => void ended.push(id),
      } as unknown as ConnectionTransport,
      protocol: { close: async () => {}, getNegotiatedProtocolVersion: () => '2025-11-25' } as never,
    });
    const { logger } = recordingLogger();
    const nowMs = () => clock.nowMs;
    const connections = new Connections<ConnectionTransport>({
      records: new RedisSessionRecords({
        redis: replicas.redis,
        kind: 'streamable',
        maxSessions: 10,
        idleTimeoutMs: IDLE_MS,
        latenessMs: 0,
        nowMs,
      }),
      link: new ConnectionLink({ kind: 'streamable', replicas, logger }),
      ids: new RequestIds({ replicaId: replicas.id }),
      servers: [server],
      connect: async id => create(id),
      observer: {
        opened: () => {},
        closed: (_connection, durationMs) => void closed.push({ by: index, durationMs }),
      },
      logger,
      nowMs,
    });
    connections.open();
    return {
      connections,
      ended,
      subscriptions,
      add: (context: RequestContext) => connections.add({ id: ID, ...create(ID), server, initialized: {} }, context),
      find: (context: RequestContext) => connections.find(ID, server, context),
    };
  }

  const ada = (expiresAtMs?: number) =>
    ({
      credentials: {
        principal: { toString: () => 'ada' },
        ...(expiresAtMs !== undefined && { expiresAt: new Date(expiresAtMs) }),
      },
    }) as unknown as RequestContext;

  it('end once where nobody uses them, on both', async () => {
    await one.add(ada());
    await two.find(ada());
    clock.nowMs += IDLE_MS;

    await Promise.all([one.connections.sweep(), two.connections.sweep()]);
    await vi.waitFor(() => expect([one.connections.size, two.connections.size]).toEqual([0, 0]));

    expect(closed).toEqual([{ by: expect.any(Number), durationMs: IDLE_MS }]);
  });

  it('do not end while one of them uses them', async () => {
    await one.add(ada());
    const used = await two.find(ada());
    clock.nowMs += IDLE_MS - 1;
    await two.find(ada());
    await two.connections.sweep();
    clock.nowMs += 1;

    await one.connections.sweep();

    expect(await one.find(ada())).toBeDefined();
    expect([used?.principal, closed]).toEqual(['ada', []]);
  });

  it('have their streams as long as the credentials last that were shown to either', async () => {
    const atOne = await one.add(ada(clock.nowMs + 100));
    atOne.openStreams = 1;
    await two.find(ada(clock.nowMs + 300));
    await vi.waitFor(() => expect(atOne.expiresAtMs).toBe(clock.nowMs + 300));
    clock.nowMs += 200;
    one.connections.endExpiredStreams();
    const beforeTheEnd = [...one.ended];
    clock.nowMs += 100;
    one.connections.endExpiredStreams();

    expect([beforeTheEnd, one.ended]).toEqual([[], [ID]]);
  });

  it('are told by the one that the client listens at last', async () => {
    const atOne = await one.add(ada());
    const atTwo = (await two.find(ada())) as typeof atOne;

    const unheard = [
      await one.connections.speakTo(atOne),
      await two.connections.speakTo(atTwo),
      await two.connections.speakTo(atTwo),
    ];

    expect(unheard).toEqual(['nothing', 'lists', 'nothing']);
    expect([atOne.listens, atTwo.listens]).toEqual([false, true]);
  });

  it('are taken up once, however many requests come at once', async () => {
    await one.add(ada());

    const found = await Promise.all(Array.from({ length: 20 }, () => two.find(ada())));

    expect(new Set(found).size).toBe(1);
    expect(two.connections.size).toBe(1);
  });

  it('are given up by one that has not heard of their end, when it looks', async () => {
    await one.add(ada());
    await two.find(ada());
    // As if it had been cut off from Redis when the other one told it.
    await opened.redis.command('DEL', `${opened.redis.prefix}:mcp-sessions:streamable:record:${ID}`);

    await two.connections.sweep();

    expect(two.connections.size).toBe(0);
    expect(await two.find(ada())).toBeUndefined();
  });
});
