import { createPermission } from '@backstage/plugin-permission-common';

export const todoItemExportPermission = createPermission({
  name: 'todo.item.export',
  attributes: { action: 'read' },
});
