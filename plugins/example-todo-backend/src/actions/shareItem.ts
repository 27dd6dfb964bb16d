import { createHmac } from 'node:crypto';
import type { ActionOptions } from '@callboard/actions-api';
import { z } from 'zod';
import type { TodoStore } from '../TodoStore.js';
import { itemIdSchema } from '../todoItem.js';

const inputSchema = z.strictObject({
  id: itemIdSchema,
  lifetimeMinutes: z
    .int()
    .min(1)
    .max(7 * 24 * 60)
    .default(60),
});

const outputSchema = z.object({
  token: z
    .string()
    .describe('Goes into the share link: base64url JSON of itemId and expiresAt, a dot, its HMAC-SHA256 in base64url'),
  expiresAt: z.iso.datetime(),
});

const secretsSchema = z.strictObject({
  signingKey: z.string().min(32).describe('The key that the reader of the link checks the signature with'),
});

export const shareItem = ({
  store,
  now,
}: {
  store: TodoStore;
  now: () => Date;
}): ActionOptions<typeof inputSchema, typeof outputSchema, typeof secretsSchema> => ({
  name: 'share-item',
  title: 'Share a to-do item',
  description: 'Signs a token for a link through which one item can be read until it expires.',
  // Secrets are given apart from the input, so that whatever shows or logs an input never meets them.
  schema: { input: inputSchema, output: outputSchema, secrets: secretsSchema },
  attributes: { readOnly: true },
  action: async ({ input, secrets }) => {
    const { id } = await store.getItem(input.id);
    const expiresAt = new Date(now().getTime() + input.lifetimeMinutes * 60_000).toISOString();
    const payload = Buffer.from(JSON.stringify({ itemId: id, expiresAt })).toString('base64url');
    const signature = createHmac('sha256', secrets.signingKey).update(payload).digest('base64url');
    return { output: { token: `${payload}.${signature}`, expiresAt } };
  },
});
