import type { ActionOptions } from '@callboard/actions-api';
import type { AuditEvents } from '../database/AuditEvents.js';
import { eventPageSchema, eventQuerySchema, findEvents } from '../eventQuery.js';
import { auditEventReadPermission } from '../permissions.js';

export const getAuditEvents = ({
  events,
}: {
  events: AuditEvents;
}): ActionOptions<typeof eventQuerySchema, typeof eventPageSchema> => ({
  name: 'get-audit-events',
  title: 'Get audit events',
  description:
    'Lists what the audit trail says about calls of actions, newest first. A call that ran has two events with the same requestId: its intent and its outcome. All given filters must match.',
  schema: { input: eventQuerySchema, output: eventPageSchema },
  visibilityPermission: auditEventReadPermission,
  capability: 'audit:read',
  attributes: { readOnly: true },
  examples: [
    { title: 'What was deleted lately', input: { risk: 'destructive' } },
    {
      title: 'What an agent did on a day',
      input: { agentId: 'triage', since: '2027-01-01T00:00:00Z', until: '2027-01-02T00:00:00Z' },
    },
  ],
  action: async ({ input }) => ({ output: await findEvents(events, input) }),
});
