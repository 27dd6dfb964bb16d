import { randomBytes } from 'node:crypto';
import type { LoggerService } from '@backstage/backend-plugin-api';
import { RedisReplicas, type ReplicaTiming } from '@callboard/actions';
import { type LogEntry, recordingLogger } from './recordingLogger.js';
import { openRedis, type TestRedis } from './testRedis.js';

/** Replicas of one deployment, which reach each other through a Redis, and nobody else. */
export interface OpenedReplicas {
  readonly redis: TestRedis;
  readonly replicas: readonly RedisReplicas[];
  /** Of all of them. */
  readonly logs: readonly LogEntry[];
  readonly logger: LoggerService;
  /** Makes one more; by default, with the key of the others, and as the others are. */
  add(options?: AddedReplica): Promise<RedisReplicas>;
  /** Stops all of them, and deletes what they kept. */
  drop(): Promise<void>;
}

export interface AddedReplica {
  readonly url?: string;
  readonly getKey?: () => Promise<Uint8Array>;
  readonly timing?: Partial<ReplicaTiming>;
}

/** Opens replicas in this process. */
export async function openReplicas(
  count: number,
  options: {
    /** By default what `openRedis` gives. */
    redis?: TestRedis;
    timing?: Partial<ReplicaTiming>;
  } = {},
): Promise<OpenedReplicas> {
  const { redis = await openRedis(), timing = {} } = options;
  const key = randomBytes(32);
  const { logger, logs } = recordingLogger();
  const replicas: RedisReplicas[] = [];
  const add = async (added: AddedReplica = {}) => {
    const replica = new RedisReplicas({
      url: added.url ?? redis.url,
      prefix: redis.prefix,
      getKey: added.getKey ?? (async () => key),
      logger,
      timing: { ...timing, ...added.timing },
    });
    replicas.push(replica);
    await replica.open();
    await replica.join();
    return replica;
  };
  for (let opened = 0; opened < count; opened += 1) {
    await add();
  }
  return {
    redis,
    replicas,
    logs,
    logger,
    add,
    drop: async () => {
      await Promise.all(replicas.map(replica => replica.close()));
      await redis.drop();
    },
  };
}
