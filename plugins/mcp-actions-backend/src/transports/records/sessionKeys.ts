import type { SharedRedis } from '@callboard/actions';

/** Sessions of Streamable HTTP, and streams of HTTP+SSE. */
export type SessionKind = 'streamable' | 'sse';

/** Under which everything about the sessions of one kind is, with a colon at the end. */
export function sessionBaseOf(redis: SharedRedis, kind: SessionKind): string {
  return redis.key('mcp-sessions', kind, '');
}

export function recordKeyOf(redis: SharedRedis, kind: SessionKind, sessionId: string): string {
  return `${sessionBaseOf(redis, kind)}record:${sessionId}`;
}

export function eventKeysOf(redis: SharedRedis, kind: SessionKind, sessionId: string) {
  const base = sessionBaseOf(redis, kind);
  return {
    events: `${base}events:${sessionId}`,
    dropped: `${base}dropped:${sessionId}`,
    order: `${base}order:${sessionId}`,
  };
}
