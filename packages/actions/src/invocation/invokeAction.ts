import type { AuditorService, AuditorServiceCreateEventOptions } from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import type { JsonObject } from '@backstage/types';
import { principalKey } from '../catalogue/delegate.js';
import type { ActionGateChecks } from './actionGates.js';
import type { Invocation } from './Invocation.js';
import { invocationSteps } from './steps.js';

/** What a door adds to the audit events of its calls. */
export interface DoorAudit {
  eventId: string;
  request?: AuditorServiceCreateEventOptions['request'];
  meta?: JsonObject;
}

/**
 * Takes a call through all steps. Its intent is on record before the first step, its outcome after
 * the last one, whatever happens in between; if the record cannot be written, nothing runs.
 *
 * @returns the action's output.
 * @throws what the refusing step or the action's handler throws; see `describeError` for what a
 * caller may be told of it.
 */
export async function invokeAction(
  call: Invocation,
  options: { gates: ActionGateChecks; auditor: AuditorService; audit: DoorAudit },
): Promise<unknown> {
  const { gates, auditor, audit } = options;
  const startedAt = performance.now();
  const event = await auditor.createEvent({
    eventId: audit.eventId,
    severityLevel: 'medium',
    ...(audit.request && { request: audit.request }),
    meta: { ...audit.meta, door: call.door, principal: principalKey(call.credentials), requestId: call.requestId },
  });
  const outcome = (): JsonObject => ({
    ...(call.foundAction && { actionId: call.foundAction.id, pluginId: call.foundAction.pluginId }),
    durationMs: Math.round((performance.now() - startedAt) * 1000) / 1000,
  });
  try {
    for (const step of invocationSteps) {
      await step(call, gates);
    }
  } catch (error) {
    await event.fail({ error: toError(error), meta: outcome() });
    throw error;
  }
  await event.success({ meta: outcome() });
  return call.output;
}
