import type { LoggerService } from '@backstage/backend-plugin-api';
import type { Replicas } from '@callboard/actions';
import type { McpConfig } from '../config.js';
import { MemorySentEvents } from './MemorySentEvents.js';
import { RedisSentEvents } from './records/RedisSentEvents.js';
import type { SentEvents } from './SentEvents.js';

/** @returns what keeps the events that a session sends; undefined where nothing is to be kept. */
export function createSentEvents(options: {
  replicas: Replicas;
  logger: LoggerService;
  limits: McpConfig['sessions'];
  sessionId: string;
  maxEvents: number;
}): SentEvents | undefined {
  const { replicas, logger, limits, sessionId, maxEvents } = options;
  if (maxEvents === 0) {
    return undefined;
  }
  return replicas.redis
    ? new RedisSentEvents({
        redis: replicas.redis,
        logger,
        kind: 'streamable',
        sessionId,
        maxEvents,
        lifetimeMs: limits.idleTimeoutMinutes * 60_000,
      })
    : new MemorySentEvents({ maxEvents });
}
