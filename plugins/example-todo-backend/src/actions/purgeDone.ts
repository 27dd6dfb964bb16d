import type { ActionOptions } from '@callboard/actions-api';
import { z } from 'zod';
import type { TodoStore } from '../TodoStore.js';

const millisecondsPerDay = 24 * 60 * 60 * 1000;

const inputSchema = z.strictObject({
  olderThanDays: z
    .int()
    .min(0)
    .max(3650)
    .describe('Deletes items that were done at least this many days ago; 0 deletes every done item'),
});

const outputSchema = z.object({ deletedCount: z.int() });

export const purgeDone = ({
  store,
  now,
}: {
  store: TodoStore;
  now: () => Date;
}): ActionOptions<typeof inputSchema, typeof outputSchema> => ({
  name: 'purge-done',
  title: 'Purge done to-do items',
  description: 'Deletes items that were done some days ago, for good. Open items stay. Returns how many were deleted.',
  schema: { input: inputSchema, output: outputSchema },
  attributes: { destructive: true },
  examples: [{ title: 'Forget what was done a month ago', input: { olderThanDays: 30 }, output: { deletedCount: 12 } }],
  action: async ({ input, logger }) => {
    const until = new Date(now().getTime() - input.olderThanDays * millisecondsPerDay);
    const deletedCount = await store.deleteItemsDoneUntil(until);
    logger.info(`Purged ${deletedCount} items done until ${until.toISOString()}`);
    return { output: { deletedCount } };
  },
});
