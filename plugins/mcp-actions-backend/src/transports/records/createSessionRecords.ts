import type { Replicas } from '@callboard/actions';
import type { McpConfig } from '../../config.js';
import { MemorySessionRecords } from './MemorySessionRecords.js';
import { RedisSessionRecords } from './RedisSessionRecords.js';
import type { SessionRecords } from './SessionRecords.js';
import type { SessionKind } from './sessionKeys.js';

/** Where the sessions of a deployment are on record: in Redis, if it has one. */
export function createSessionRecords(options: {
  replicas: Replicas;
  kind: SessionKind;
  limits: McpConfig['sessions'];
}): SessionRecords {
  const { replicas, kind, limits } = options;
  const bounds = { maxSessions: limits.maxSessions, idleTimeoutMs: limits.idleTimeoutMinutes * 60_000 };
  return replicas.redis
    ? new RedisSessionRecords({ ...bounds, redis: replicas.redis, kind })
    : new MemorySessionRecords(bounds);
}
