import { ConflictError, InputError } from '@backstage/errors';
import type { ActionOptions } from '@callboard/actions-api';
import { z } from 'zod';
import type { TodoStore } from '../TodoStore.js';
import {
  dueDateSchema,
  itemIdSchema,
  labelsSchema,
  notesSchema,
  titleSchema,
  todoItemSchema,
  visiblePart,
} from '../todoItem.js';

// Strict, as all inputs here: a misspelt expectedVersion must not overwrite without the check.
const inputSchema = z.strictObject({
  id: itemIdSchema,
  title: titleSchema.optional(),
  notes: notesSchema.nullable().optional().describe('New notes; null removes them'),
  labels: labelsSchema.optional().describe('Replaces all labels; an empty list removes them'),
  dueDate: dueDateSchema.nullable().optional().describe('New due date, for example 2027-02-28; null removes it'),
  expectedVersion: z.int().min(1).optional().describe('Change the item only if it is still at this version'),
});

export const updateItem = ({
  store,
}: {
  store: TodoStore;
}): ActionOptions<typeof inputSchema, typeof todoItemSchema> => ({
  name: 'update-item',
  title: 'Update a to-do item',
  description: 'Changes the given fields of an item and leaves the others as they are. Returns the changed item.',
  schema: { input: inputSchema, output: todoItemSchema },
  // What the fields said before is lost; the item is not.
  attributes: { destructive: true },
  effect: 'update',
  examples: [
    {
      title: 'Rename an item unless somebody changed it meanwhile',
      input: { id: '0b9a1c7e-6a55-4c0b-9d0e-2f6f0a7f3c11', title: 'Water the ferns', expectedVersion: 1 },
    },
  ],
  preview: async ({ input: { id, expectedVersion, ...changes } }) => {
    const item = await store.getItem(id);
    const before = visiblePart(item);
    if (expectedVersion !== undefined && expectedVersion !== item.version) {
      return {
        summary: `Changes nothing: "${item.title}" is at version ${item.version}, expected ${expectedVersion}`,
        before,
        after: before,
      };
    }
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    const labels = changes.labels ? [...new Set(changes.labels)].sort() : before.labels;
    return { summary: `Changes "${item.title}"`, before, after: { ...before, ...given, labels } };
  },
  action: async ({ input: { id, expectedVersion, ...changes } }) => {
    if (Object.values(changes).every(value => value === undefined)) {
      throw new InputError(`Item "${id}": expected at least one of title, notes, labels and dueDate, got none`);
    }
    const changed = await store.updateItem({ id, changes, expectedVersion });
    if (!changed) {
      const { version } = await store.getItem(id);
      throw new ConflictError(
        `Item "${id}" has changed: expected version ${expectedVersion}, got ${version}; get it again and repeat`,
      );
    }
    return { output: changed };
  },
});
