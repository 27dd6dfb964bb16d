import type { PromptOptions } from '@callboard/actions-api';
import { z } from 'zod';
import type { TodoStore } from '../TodoStore.js';
import { labelSchema } from '../todoItem.js';

const maxItems = 100;

// Clients send texts: z.coerce makes numbers of them.
const argumentsSchema = z.strictObject({
  days: z.coerce.number().int().min(1).max(14).default(5).describe('How many days to plan, from 1 to 14'),
  label: labelSchema.optional().describe('Plan only items that carry this label'),
});

export const planWeek = ({ store }: { store: TodoStore }): PromptOptions<typeof argumentsSchema> => ({
  name: 'plan-week',
  exactName: 'plan_week',
  title: 'Plan the week',
  description: 'Asks for a plan of the next days, made of the open items of the board',
  arguments: argumentsSchema,
  complete: { label: typed => store.listLabels(typed) },
  get: async ({ arguments: { days, label } }) => {
    const items = await store.listItems({ done: false, ...(label !== undefined && { label }), limit: maxItems });
    const about = label === undefined ? '' : ` labelled "${label}"`;
    return {
      messages: [
        {
          role: 'user',
          content: {
            type: 'text',
            text: `Plan my next ${days} working days with the open to-do items${about} that follow. What is due first comes first. Ask me before you change any item.`,
          },
        },
        {
          role: 'user',
          content: {
            type: 'resource',
            resource: { uri: 'todo://board', mimeType: 'application/json', text: JSON.stringify(items) },
          },
        },
      ],
    };
  },
});
