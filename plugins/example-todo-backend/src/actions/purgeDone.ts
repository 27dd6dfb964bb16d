import { InputError } from '@backstage/errors';
import type { ActionOptions, CallClient } from '@callboard/actions-api';
import { z } from 'zod';
import type { TodoStore } from '../TodoStore.js';

const millisecondsPerDay = 24 * 60 * 60 * 1000;

/** Whoever approves reads no more than these. */
const maxPreviewedTitles = 100;

const olderThanDaysSchema = z.int().min(0).max(3650);

const inputSchema = z.strictObject({
  olderThanDays: olderThanDaysSchema
    .optional()
    .describe(
      'Deletes items that were done at least this many days ago; 0 deletes every done item. Absent: the person at the client is asked',
    ),
});

const questionSchema = z.object({
  olderThanDays: olderThanDaysSchema
    .default(30)
    .describe('Items that were done at least this many days ago; 0 for every done item'),
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
    // Who is asked later can choose no more than what is shown now.
    const { olderThanDays = 0 } = input;
    const titles = await store.listTitlesDoneUntil(doneUntil(now(), olderThanDays));
    const more = titles.length - maxPreviewedTitles;
    const deletes = input.olderThanDays === undefined ? 'Deletes at most' : 'Deletes';
    return {
      summary: `${deletes} ${titles.length === 1 ? '1 item' : `${titles.length} items`} for good`,
      before: [...titles.slice(0, maxPreviewedTitles), ...(more > 0 ? [`… and ${more} more`] : [])],
      after: [],
    };
  },
  action: async ({ input, logger, client }) => {
    const olderThanDays = input.olderThanDays ?? (await askForAge(client));
    if (olderThanDays === undefined) {
      return { output: { deletedCount: 0 } };
    }
    const until = doneUntil(now(), olderThanDays);
    const deletedCount = await store.deleteItemsDoneUntil(until);
    logger.info(`Purged ${deletedCount} items done until ${until.toISOString()}`);
    return { output: { deletedCount } };
  },
});

/**
 * @returns undefined if the person does not want anything deleted.
 * @throws InputError if nobody can be asked.
 */
async function askForAge(client: CallClient): Promise<number | undefined> {
  if (!client.can.elicitForm) {
    throw new InputError('olderThanDays: expected a number of days, as this client cannot ask its person for one');
  }
  const { content } = await client.elicit({ message: 'Which done items shall be deleted?', schema: questionSchema });
  return content?.olderThanDays;
}

const doneUntil = (now: Date, olderThanDays: number): Date =>
  new Date(now.getTime() - olderThanDays * millisecondsPerDay);
