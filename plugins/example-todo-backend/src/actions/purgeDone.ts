import type { ActionOptions } from '@callboard/actions-api';
import { z } from 'zod';
import type { TodoStore } from '../TodoStore.js';

const millisecondsPerDay = 24 * 60 * 60 * 1000;

/** Whoever approves reads no more than these. */
const maxPreviewedTitles = 100;

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
  preview: async ({ input }) => {
    const titles = await store.listTitlesDoneUntil(doneUntil(now(), input));
    const more = titles.length - maxPreviewedTitles;
    return {
      summary: titles.length === 1 ? 'Deletes 1 item for good' : `Deletes ${titles.length} items for good`,
      before: [...titles.slice(0, maxPreviewedTitles), ...(more > 0 ? [`… and ${more} more`] : [])],
      after: [],
    };
  },
  action: async ({ input, logger }) => {
    const until = doneUntil(now(), input);
    const deletedCount = await store.deleteItemsDoneUntil(until);
    logger.info(`Purged ${deletedCount} items done until ${until.toISOString()}`);
    return { output: { deletedCount } };
  },
});

const doneUntil = (now: Date, { olderThanDays }: z.output<typeof inputSchema>): Date =>
  new Date(now.getTime() - olderThanDays * millisecondsPerDay);
