import { InputError } from '@backstage/errors';
import type * as z from 'zod';

/** @throws InputError that says which argument of a tool of the server itself is wrong. */
export function readArguments<TSchema extends z.ZodType>(
  tool: string,
  schema: TSchema,
  input: unknown,
): z.output<TSchema> {
  const { success, data, error } = schema.safeParse(input);
  if (!success) {
    const problems = error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '));
    throw new InputError(`Invalid input to "${tool}": ${problems.join('; ')}`);
  }
  return data;
}
