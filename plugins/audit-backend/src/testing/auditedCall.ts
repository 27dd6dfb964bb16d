import { randomUUID } from 'node:crypto';
import type { FingerprintedCall } from '../record/callRecords.js';

/** A call that was let through. */
export function auditedCall(changes: Partial<FingerprintedCall> = {}): FingerprintedCall {
  return {
    requestId: randomUUID(),
    startedAt: '2027-01-01T00:00:00.000Z',
    principal: 'user:default/ada',
    clientId: 'ci',
    door: 'mcp',
    server: undefined,
    name: 'todo.purge-done',
    actionId: 'todo:purge-done',
    effect: 'delete',
    input: { olderThanDays: 3 },
    decision: 'allow',
    ...changes,
  };
}

export const success = { durationMs: 1.5, error: undefined };
