import type { ActionOptions } from '@callboard/actions-api';
import { z } from 'zod';
import type { TodoStore } from '../TodoStore.js';
import { itemIdSchema, todoItemSchema } from '../todoItem.js';

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
  action: async ({ input }) => ({ output: await store.completeItem(input.id) }),
});
