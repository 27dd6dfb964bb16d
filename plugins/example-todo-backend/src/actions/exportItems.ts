import { InputError } from '@backstage/errors';
import type { ActionOptions } from '@callboard/actions-api';
import { z } from 'zod';
import { todoItemExportPermission } from '../permissions.js';
import type { TodoStore } from '../TodoStore.js';
import { labelSchema, todoItemSchema } from '../todoItem.js';

const maxExportedItems = 1000;

const inputSchema = z.strictObject({
  done: z.boolean().optional().describe('true: only done items; false: only open ones; absent: both'),
  label: labelSchema.optional().describe('Only items that carry this label'),
});

const outputSchema = z.object({
  exportedAt: z.iso.datetime(),
  items: z.array(todoItemSchema),
});

export const exportItems = ({
  store,
  now,
}: {
  store: TodoStore;
  now: () => Date;
}): ActionOptions<typeof inputSchema, typeof outputSchema> => ({
  name: 'export-items',
  title: 'Export to-do items',
  description: `Returns all matching items of the to-do board in one answer, at most ${maxExportedItems}.`,
  schema: { input: inputSchema, output: outputSchema },
  visibilityPermission: todoItemExportPermission,
  attributes: { readOnly: true },
  action: async ({ input }) => {
    const exportedAt = now().toISOString();
    const items = await store.listItems({ ...input, limit: maxExportedItems + 1 });
    if (items.length > maxExportedItems) {
      throw new InputError(
        `Export of items: expected filters that match at most ${maxExportedItems} items, got more; give done or label`,
      );
    }
    return { output: { exportedAt, items } };
  },
});
