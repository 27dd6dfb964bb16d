import type { RootConfigService } from '@backstage/backend-plugin-api';
import { InputError } from '@backstage/errors';
import type * as z from 'zod';

/**
 * Reads one section of the configuration with a zod schema.
 *
 * @param key - a dotted path, such as `backend.actions`; a missing section is read as `{}`.
 * @throws InputError that lists every mistake with its path, what was expected and what came.
 */
export function readConfigSection<TSchema extends z.ZodType>(
  config: RootConfigService,
  key: string,
  schema: TSchema,
): z.output<TSchema> {
  const value = config.getOptional(key) ?? {};
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) {
    return parsed.data;
  }
  const mistakes = parsed.error.issues.flatMap(issue => describeMistake(key, issue));
  throw new InputError(`Wrong configuration:\n${mistakes.map(line => `  ${line}`).join('\n')}`);
}

function describeMistake(section: string, issue: z.core.$ZodIssue): string[] {
  const path = [section, ...issue.path.map(String)].join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => `${path}.${key}: there is no such key`);
  }
  if (issue.code === 'invalid_key') {
    return issue.issues.map(({ message }) => `${path}: ${message}`);
  }
  const message = issue.message.replace(/^Invalid input: /, '').replace(/, received .*$/, '');
  return [`${path}: ${message}, got ${JSON.stringify(issue.input) ?? 'nothing'}`];
}
