import type { AuditedCall } from '@callboard/actions-api';
import { principalKey } from '../catalogue/delegate.js';
import type { Invocation } from './Invocation.js';

/** A call as trails record it. */
export function auditedCall(call: Invocation, decision: string): AuditedCall {
  const { requestId, startedAt, credentials, clientId, door, server, name, foundAction, input } = call;
  return {
    requestId,
    startedAt,
    principal: principalKey(credentials),
    clientId,
    door,
    server,
    name,
    actionId: foundAction?.id,
    effect: foundAction && call.effect,
    input,
    decision,
  };
}
