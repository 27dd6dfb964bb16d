import type { Caller } from '@callboard/actions-api';
import * as z from 'zod';

const text = z.string().min(1).max(500);
const words = z.array(z.string().min(1).max(100)).max(50);

const asked = {
  action: text,
  /** Whoever asks, if it is absent. */
  principal: text.optional(),
  client: text.optional(),
  door: z.enum(['mcp', 'http', 'in-process']).default('mcp'),
  server: text.optional(),
  profile: text.optional(),
};

/** `scopes=a+b` is `a b` when it comes out of a query. */
export const explainQuerySchema = z.strictObject({
  ...asked,
  scopes: z
    .string()
    .max(2_000)
    .transform(value => value.split(/[ +,]+/).filter(Boolean))
    .pipe(words)
    .optional(),
});

export const explainBodySchema = z.strictObject({
  ...asked,
  scopes: words.optional(),
  input: z.unknown().optional(),
});

/** @param asker - the principal who asks. */
export function describeCaller(
  { principal, client, door, server, scopes, profile }: z.output<typeof explainQuerySchema>,
  asker: string,
): Caller {
  return {
    principal: principal ?? asker,
    clientId: client,
    door,
    server,
    scopes,
    ...(profile !== undefined && { profile }),
  };
}
