import { createPermission } from '@backstage/plugin-permission-common';

export const pausePermission = createPermission({ name: 'safety.pause', attributes: { action: 'update' } });

export const definitionsReadPermission = createPermission({
  name: 'safety.definitions.read',
  attributes: { action: 'read' },
});

export const definitionsAcceptPermission = createPermission({
  name: 'safety.definitions.accept',
  attributes: { action: 'update' },
});

export const explainPermission = createPermission({ name: 'safety.explain', attributes: { action: 'read' } });

export const safetyPermissions = [
  pausePermission,
  definitionsReadPermission,
  definitionsAcceptPermission,
  explainPermission,
];
