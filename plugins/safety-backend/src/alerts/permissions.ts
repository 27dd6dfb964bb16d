import { createPermission } from '@backstage/plugin-permission-common';

export const alertsReadPermission = createPermission({ name: 'safety.alerts.read', attributes: { action: 'read' } });
