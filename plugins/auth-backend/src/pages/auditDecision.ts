import type { AuditorService } from '@backstage/backend-plugin-api';

/** Carries out what a person decided, with a record of it and of how it went. */
export async function auditDecision<T>(
  auditor: AuditorService,
  decision: { approved: boolean; userEntityRef: string; clientId: string; resource: string; scopes: string[] },
  carryOut: () => Promise<T>,
): Promise<T> {
  const { approved, scopes, ...meta } = decision;
  return audited(
    auditor,
    'consent',
    { ...meta, decision: approved ? 'approve' : 'deny', scopes: approved ? scopes : [] },
    carryOut,
  );
}

/** Runs a step between its intent and its outcome in the audit. */
export async function audited<T>(
  auditor: AuditorService,
  eventId: string,
  meta: Parameters<AuditorService['createEvent']>[0]['meta'],
  step: () => Promise<T>,
): Promise<T> {
  const event = await auditor.createEvent({ eventId, severityLevel: 'medium', meta });
  try {
    const result = await step();
    await event.success();
    return result;
  } catch (error) {
    await event.fail({ error: error instanceof Error ? error : new Error(String(error)) });
    throw error;
  }
}
