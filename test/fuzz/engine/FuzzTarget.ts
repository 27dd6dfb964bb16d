import type { JsonValue } from '@backstage/types';
import type fc from 'fast-check';

/** A part of the product under random input, and what must hold whatever the input is. */
export interface FuzzTarget<TCase = JsonValue> {
  readonly name: string;
  /** In words, for the table. */
  readonly about: string;
  /** Of all cases of a run, in proportion to the other targets. */
  readonly weight: number;
  /** Cases per batch: progress, leftovers and time are looked at in between. */
  readonly batchSize: number;
  open(): Promise<OpenTarget<TCase>>;
}

export interface OpenTarget<TCase = JsonValue> {
  /** Of plain JSON, so that a case that failed can be kept in a file and repeated. */
  readonly cases: fc.Arbitrary<TCase>;
  /** @throws Error for what the product must not do. */
  check(given: TCase): void | Promise<void>;
  /** @throws Error if cases that are over have left something behind. */
  settle?(): Promise<void>;
  close(): Promise<void>;
}

/** A target that starts nothing. */
export function pureTarget<TCase>(
  options: Omit<FuzzTarget<TCase>, 'open'> & Pick<OpenTarget<TCase>, 'cases' | 'check'>,
): FuzzTarget<TCase> {
  const { cases, check, ...about } = options;
  return { ...about, open: async () => ({ cases, check, close: async () => {} }) };
}

/** One of several things that a target looks at, each with cases of its own. */
export interface Kind<TCase> {
  readonly name: string;
  readonly weight: number;
  readonly cases: fc.Arbitrary<TCase>;
  check(given: TCase): void | Promise<void>;
}
