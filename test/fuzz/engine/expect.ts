import { isDeepStrictEqual } from 'node:util';

const MAX_CHARACTERS = 1_500;

/** A thing that the product must not do. */
export class Violation extends Error {
  override name = 'Violation';
}

export function hold(condition: boolean, message: string, ...seen: readonly unknown[]): asserts condition {
  if (!condition) {
    throw new Violation([message, ...seen.map(shown)].join('\n  '));
  }
}

export function holdEqual(actual: unknown, expected: unknown, message: string): void {
  hold(isDeepStrictEqual(actual, expected), message, { expected }, { actual });
}

/** What a function throws; undefined if it returns. */
export function thrownBy(action: () => unknown): Error | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(`not an error: ${String(error)}`);
  }
}

export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}… (${text.length} characters)` : text;
}
