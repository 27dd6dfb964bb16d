import type { ActionOptions } from '@callboard/actions-api';
import { z } from 'zod';
import type { TodoStore } from '../TodoStore.js';
import { itemIdSchema, todoItemSchema, visiblePart } from '../todoItem.js';

const inputSchema = z.strictObject({ id: itemIdSchema });

export const completeItem = ({
  store,
}: {
  store: TodoStore;
}): ActionOptions<typeof inputSchema, typeof todoItemSchema> => ({
  name: 'complete-item',
  title: 'Complete a to-do item',
  description: 'Marks an item done and returns it. An item that is done already stays as it is.',
  schema: { input: inputSchema, output: todoItemSchema },
  attributes: { destructive: false, idempotent: true },
  preview: async ({ input }) => {
    const item = await store.getItem(input.id);
    const before = visiblePart(item);
    return {
      summary: item.done ? `"${item.title}" is done already and stays as it is` : `Marks "${item.title}" done`,
      before,
      after: { ...before, done: true },
    };
  },
  action: async ({ input }) => ({ output: await store.completeItem(input.id) }),
});
