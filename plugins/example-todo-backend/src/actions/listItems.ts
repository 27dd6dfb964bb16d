import type { ActionOptions } from '@callboard/actions-api';
import { z } from 'zod';
import type { ItemPosition, TodoStore } from '../TodoStore.js';
import { labelSchema, type TodoItem, todoItemSchema } from '../todoItem.js';

const inputSchema = z.strictObject({
  done: z.boolean().optional().describe('true: only done items; false: only open ones; absent: both'),
  label: labelSchema.optional().describe('Only items that carry this label'),
  limit: z.int().min(1).max(100).default(50),
  cursor: z
    .string()
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z~[\w-]{1,36}$/, 'expected a nextCursor as list-items returned it')
    .optional()
    .describe('nextCursor of the page before; absent for the first page'),
});

const outputSchema = z.object({
  items: z.array(todoItemSchema),
  nextCursor: z.string().optional().describe('There is another page: call again with this as cursor'),
});

export const listItems = ({ store }: { store: TodoStore }): ActionOptions<typeof inputSchema, typeof outputSchema> => ({
  name: 'list-items',
  title: 'List to-do items',
  description: 'Lists the items of the to-do board, oldest first. All given filters must match.',
  schema: { input: inputSchema, output: outputSchema },
  attributes: { readOnly: true },
  toolName: 'todo_list_items',
  timeoutSeconds: 10,
  // Models read a table more easily than JSON; clients get both.
  textView: ({ items, nextCursor }) => ({
    kind: 'table',
    ...(nextCursor !== undefined && { title: `There is another page: call again with cursor ${nextCursor}` }),
    columns: ['id', 'title', 'labels', { key: 'dueDate', title: 'due' }, 'done'],
    rows: items.map(({ id, title, labels, dueDate, done }) => ({
      id,
      title,
      labels: labels.join(', '),
      dueDate,
      done,
    })),
  }),
  examples: [
    { title: 'The first open items', input: { done: false } },
    { title: 'Ten items about the release', input: { label: 'release', limit: 10 } },
  ],
  action: async ({ input: { cursor, limit, ...filters } }) => {
    const after = cursor === undefined ? undefined : fromCursor(cursor);
    // One more than asked for tells whether another page follows.
    const found = await store.listItems({ ...filters, after, limit: limit + 1 });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    return { output: { items, ...(last && found.length > limit && { nextCursor: toCursor(last) }) } };
  },
});

const toCursor = ({ createdAt, id }: TodoItem): string => `${createdAt}~${id}`;

const fromCursor = (cursor: string): ItemPosition => {
  const separatorAt = cursor.indexOf('~');
  return { createdAt: cursor.slice(0, separatorAt), id: cursor.slice(separatorAt + 1) };
};
