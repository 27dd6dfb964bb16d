import fc from 'fast-check';
import type { Kind } from './FuzzTarget.js';

/** A case of one of several kinds. */
export interface CaseOfKind {
  readonly kind: string;
  readonly given: unknown;
}

/** Makes one target of several kinds. */
export function kindsOf(kinds: readonly Kind<never>[]) {
  const byName = new Map(kinds.map(kind => [kind.name, kind as unknown as Kind<unknown>]));
  return {
    cases: fc.oneof(
      ...[...byName.values()].map(({ name, weight, cases }) => ({
        weight: Math.round(weight * 100),
        arbitrary: cases.map((given): CaseOfKind => ({ kind: name, given })),
      })),
    ),
    check({ kind, given }: CaseOfKind): void | Promise<void> {
      const known = byName.get(kind);
      if (!known) {
        throw new Error(`There is no kind ${kind}, expected one of ${[...byName.keys()].join(', ')}`);
      }
      return known.check(given);
    },
  };
}
