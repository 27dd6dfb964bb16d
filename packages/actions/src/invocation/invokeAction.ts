import type { AuditorService, AuditorServiceCreateEventOptions } from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import type { JsonObject } from '@backstage/types';
import type { AuditOutcome } from '@callboard/actions-api';
import { principalKey } from '../catalogue/delegate.js';
import { auditedCall } from './auditedCall.js';
import type { Invocation } from './Invocation.js';
import type { InvocationPolicy } from './invocationPolicy.js';
import { type InvocationStep, invocationSteps, refusalDecisions } from './steps.js';

/** What a door adds to the audit events of its calls. */
export interface DoorAudit {
  eventId: string;
  request?: AuditorServiceCreateEventOptions['request'];
  meta?: JsonObject;
}

/**
 * Takes a call through all steps. Its intent is on record before the handler runs, its outcome after
 * the last step, whatever happens in between; if the record cannot be written, nothing runs.
 *
 * @returns the action's output.
 * @throws what the refusing step or the action's handler throws; see `describeError` for what a
 * caller may be told of it.
 */
export async function invokeAction(
  call: Invocation,
  options: { policy: InvocationPolicy; auditor: AuditorService; audit: DoorAudit },
): Promise<unknown> {
  const { policy, auditor, audit } = options;
  const startedAt = performance.now();
  const durationMs = () => Math.round((performance.now() - startedAt) * 1000) / 1000;
  const event = await auditor.createEvent({
    eventId: audit.eventId,
    severityLevel: 'medium',
    ...(audit.request && { request: audit.request }),
    meta: Object.assign({}, audit.meta, {
      door: call.door,
      principal: principalKey(call.credentials),
      requestId: call.requestId,
    }),
  });
  const outcome = (): JsonObject =>
    call.foundAction
      ? { actionId: call.foundAction.id, pluginId: call.foundAction.pluginId, durationMs: durationMs() }
      : { durationMs: durationMs() };
  let current: InvocationStep | undefined;
  let decided: string | undefined;
  let isDone = false;
  try {
    for (const step of invocationSteps) {
      current = step;
      decided = call.decision;
      // Most steps have nothing to wait for.
      const pending = step(call, policy);
      if (pending) {
        await pending;
      }
    }
    isDone = true;
    await call.entry?.finish({ durationMs: durationMs(), error: undefined });
  } catch (unmasked) {
    const thrown = call.maskSecretsIn(unmasked);
    const error = toError(thrown);
    const failure = { durationMs: durationMs(), error: { name: error.name, message: error.message } };
    if (!isDone) {
      // Whatever becomes of the record, the caller is refused, and the auditor's event says why.
      // What an earlier step has said of the call, such as that it was approved, is not why it does not run.
      const refusal = call.decision === decided ? refusalDecisions.get(current as InvocationStep) : call.decision;
      await recordFailure(call, policy, refusal, failure).catch(() => {});
    }
    await event.fail({ error, meta: outcome() });
    throw thrown;
  } finally {
    for (const failure of await call.tellEnded()) {
      policy.logger.error(`After a call of "${call.foundAction?.id}" (request id ${call.requestId})`, toError(failure));
    }
  }
  await event.success({ meta: outcome() });
  return call.output;
}

function recordFailure(
  call: Invocation,
  { trails }: InvocationPolicy,
  refusal: string | undefined,
  outcome: AuditOutcome,
): Promise<void> {
  return call.entry ? call.entry.finish(outcome) : trails.refuse(auditedCall(call, refusal ?? 'refuse'), outcome);
}
