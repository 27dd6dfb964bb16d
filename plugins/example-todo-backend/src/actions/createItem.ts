import type { ActionOptions } from '@callboard/actions-api';
import { z } from 'zod';
import type { TodoStore } from '../TodoStore.js';
import { dueDateSchema, labelsSchema, notesSchema, titleSchema, todoItemSchema } from '../todoItem.js';

const inputSchema = z.strictObject({
  title: titleSchema,
  notes: notesSchema.optional(),
  labels: labelsSchema.optional(),
  dueDate: dueDateSchema.optional(),
});

export const createItem = ({
  store,
}: {
  store: TodoStore;
}): ActionOptions<typeof inputSchema, typeof todoItemSchema> => ({
  name: 'create-item',
  title: 'Create a to-do item',
  description: 'Adds an open item to the to-do board and returns it with its id.',
  schema: { input: inputSchema, output: todoItemSchema },
  attributes: { destructive: false },
  examples: [
    {
      title: 'With a label and a due date',
      input: { title: 'Water the plants', labels: ['office'], dueDate: '2027-02-28' },
    },
  ],
  action: async ({ input }) => ({ output: await store.createItem(input) }),
});
