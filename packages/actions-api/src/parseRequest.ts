import { InputError } from '@backstage/errors';
import type * as z from 'zod';

/**
 * Checks what came with a request of a plugin's own.
 *
 * @param what - such as `query` or `body`; the message begins with it.
 * @throws InputError that names every mistake with its path.
 */
export function parseRequest<TSchema extends z.ZodType>(
  schema: TSchema,
  given: unknown,
  what: string,
): z.output<TSchema> {
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const mistakes = parsed.error.issues.map(({ path, message }) =>
      [path.join('.'), message].filter(Boolean).join(': '),
    );
    throw new InputError(`Invalid ${what}: ${mistakes.join('; ')}`);
  }
  return parsed.data;
}
