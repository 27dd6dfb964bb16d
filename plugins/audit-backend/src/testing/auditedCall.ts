import { randomUUID } from 'node:crypto';
import type { AuditedCall } from '@callboard/actions-api';

/** A call that was let through. */
export function auditedCall(changes: Partial<AuditedCall> = {}): AuditedCall {
  return {
    requestId: randomUUID(),
    startedAt: '2027-01-01T00:00:00.000Z',
    principal: 'user:default/ada',
    clientId: 'ci',
    agentId: undefined,
    door: 'mcp',
    server: undefined,
    name: 'todo.purge-done',
    actionId: 'todo:purge-done',
    fingerprint: undefined,
    effect: 'delete',
    mode: 'full_access',
    input: { olderThanDays: 3 },
    decision: 'allow',
    approval: undefined,
    ...changes,
  };
}

export const success = { durationMs: 1.5, error: undefined };
