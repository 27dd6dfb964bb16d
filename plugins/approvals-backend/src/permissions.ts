import { createPermission } from '@backstage/plugin-permission-common';

export const approvalReadPermission = createPermission({
  name: 'approval.read',
  attributes: { action: 'read' },
});

export const approvalDecidePermission = createPermission({
  name: 'approval.decide',
  attributes: { action: 'update' },
});

export const approvalPermissions = [approvalReadPermission, approvalDecidePermission];
