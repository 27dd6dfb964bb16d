import type { ActionSchema } from '@callboard/actions-api';

/** A schema of no known library: an object whose `count` is a number, checked by hand. */
export function handWrittenSchema(options: {
  jsonSchema?: Record<string, unknown>;
  validate?: (value: unknown) => unknown;
  vendor?: string;
}): ActionSchema {
  const { jsonSchema, vendor = 'by-hand', validate = checkCount } = options;
  const standard = {
    version: 1,
    vendor,
    validate,
    ...(jsonSchema && { jsonSchema: { input: () => jsonSchema, output: () => jsonSchema } }),
  };
  return { '~standard': standard } as unknown as ActionSchema;
}

function checkCount(value: unknown) {
  const count = (value as { count?: unknown } | null)?.count;
  return typeof count === 'number'
    ? { value: { count } }
    : { issues: [{ message: 'expected a number', path: [{ key: 'count' }] }] };
}

/** What a callee of another realm or promise library returns: a promise that is no `Promise`. */
export function thenable<T>(value: T): PromiseLike<T> {
  const promise = Promise.resolve(value);
  // biome-ignore lint/suspicious/noThenProperty: being a thenable is the purpose
  return { then: promise.then.bind(promise) } as PromiseLike<T>;
}
