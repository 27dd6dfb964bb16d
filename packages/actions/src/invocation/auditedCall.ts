import { type AuditedCall, fingerprintOf } from '@callboard/actions-api';
import { principalKey } from '../catalogue/delegate.js';
import type { Invocation } from './Invocation.js';

/** A call as trails record it. */
export function auditedCall(call: Invocation, decision: string): AuditedCall {
  const { requestId, startedAt, credentials, clientId, agentId, door, server, name, foundAction, input } = call;
  return {
    requestId,
    startedAt,
    principal: principalKey(credentials),
    clientId,
    agentId,
    door,
    server,
    name,
    actionId: foundAction?.id,
    fingerprint: foundAction && fingerprintOf(foundAction),
    effect: foundAction && call.effect,
    mode: call.foundRules?.mode.value,
    input,
    decision,
    approval: call.approval && {
      id: call.approval.id,
      ...(call.approval.decidedBy && { decidedBy: call.approval.decidedBy }),
      ...(call.approval.channel && { channel: call.approval.channel }),
    },
  };
}
