import type { ActionOptions } from '@callboard/actions-api';
import { z } from 'zod';
import type { TodoStore } from '../TodoStore.js';
import { itemIdSchema, todoItemSchema } from '../todoItem.js';

const inputSchema = z.strictObject({ id: itemIdSchema });

export const getItem = ({ store }: { store: TodoStore }): ActionOptions<typeof inputSchema, typeof todoItemSchema> => ({
  name: 'get-item',
  title: 'Get a to-do item',
  description: 'Returns one item of the to-do board.',
  schema: { input: inputSchema, output: todoItemSchema },
  attributes: { readOnly: true },
  action: async ({ input }) => ({ output: await store.getItem(input.id) }),
});
