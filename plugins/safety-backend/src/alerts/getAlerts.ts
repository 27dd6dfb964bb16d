import type { ActionOptions } from '@callboard/actions-api';
import type { AlertStore } from './AlertStore.js';
import { alertListSchema, alertQuerySchema, findAlerts } from './alertQuery.js';
import { alertsReadPermission } from './permissions.js';

export const getAlerts = ({
  store,
}: {
  store: AlertStore;
}): ActionOptions<typeof alertQuerySchema, typeof alertListSchema> => ({
  name: 'get-alerts',
  title: 'Get alerts',
  description:
    'Lists what the people who run the server were alerted of in the last 30 days, newest first: approvals asked for, decided or timed out, pauses, held-back actions, failures of the audit trail.',
  schema: { input: alertQuerySchema, output: alertListSchema },
  visibilityPermission: alertsReadPermission,
  attributes: { readOnly: true },
  capability: 'alerts:read',
  examples: [
    { title: 'The latest', input: { limit: 10 } },
    { title: 'Denied since a day', input: { event: 'approval_denied', since: '2027-01-01T00:00:00Z' } },
  ],
  action: async ({ input }) => ({ output: await findAlerts(store, input) }),
});
