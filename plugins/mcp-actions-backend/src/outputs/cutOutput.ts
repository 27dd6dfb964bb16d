import type { JsonValue } from '@backstage/types';

/** A place in an output that is shown in part. */
export interface Cut {
  /** A JSON Pointer (RFC 6901). */
  readonly path: string;
  /** Elements of an array or characters of a text that are shown. */
  readonly shown: number;
  readonly of: number;
}

export interface CutOutput {
  readonly value: JsonValue;
  /** In the order of the output. */
  readonly cuts: readonly Cut[];
}

interface Limits {
  /** No array has more elements. */
  readonly elements: number;
  /** No text has more characters. */
  readonly characters: number;
}

/** A shorter text says too little to be worth shortening, and is more likely one of a fixed set. */
const MIN_TEXT_CHARACTERS = 100;
/** What is deeper stays whole. */
const MAX_DEPTH = 200;
const UNLIMITED = Number.MAX_SAFE_INTEGER;

/**
 * Cuts an output so that its JSON has at most `budget` characters: the longest arrays lose their
 * tails; where one element each is too much already, the longest texts are shortened; then arrays
 * lose all. Keys of objects stay.
 *
 * @param isValid - whether a cut output is still what the action promises.
 * @returns undefined if there is no such cut.
 */
export async function cutOutput(
  output: JsonValue,
  options: { budget: number; isValid: (value: JsonValue) => boolean | Promise<boolean> },
): Promise<CutOutput | undefined> {
  const { budget, isValid } = options;
  const ways: ((limit: number) => Limits)[] = [
    limit => ({ elements: limit, characters: UNLIMITED }),
    limit => ({ elements: 1, characters: limit + MIN_TEXT_CHARACTERS }),
    limit => ({ elements: UNLIMITED, characters: limit + MIN_TEXT_CHARACTERS }),
    limit => ({ elements: 0, characters: limit + MIN_TEXT_CHARACTERS }),
  ];
  for (const [index, limitsOf] of ways.entries()) {
    const cut = largestThatFits(output, budget, { limitsOf, least: index === 0 ? 1 : 0 });
    if (cut && (await isValid(cut.value))) {
      return cut;
    }
  }
  return undefined;
}

/** Looks for the largest limit, which with a budget of so many characters is never more than the budget. */
function largestThatFits(
  output: JsonValue,
  budget: number,
  { limitsOf, least }: { limitsOf: (limit: number) => Limits; least: number },
): CutOutput | undefined {
  let low = least;
  let high = budget;
  let best = cutTo(output, budget, limitsOf(low));
  while (best && low < high) {
    const middle = Math.ceil((low + high) / 2);
    const cut = cutTo(output, budget, limitsOf(middle));
    if (cut) {
      best = cut;
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return best;
}

/** @returns undefined as soon as it becomes too long, so that the cost is that of the budget, not of the output. */
function cutTo(output: JsonValue, budget: number, limits: Limits): CutOutput | undefined {
  const cuts: Cut[] = [];
  let left = budget;
  const spend = (characters: number) => {
    left -= characters;
    if (left < 0) {
      throw TOO_LONG;
    }
  };

  const cut = (value: JsonValue, path: string, depth: number): JsonValue => {
    if (typeof value === 'string') {
      const { text, shown } = shorten(value, limits.characters);
      if (text.length > left) {
        throw TOO_LONG;
      }
      spend(JSON.stringify(text).length);
      if (shown < value.length) {
        cuts.push({ path, shown, of: value.length });
      }
      return text;
    }
    if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) {
      spend(JSON.stringify(value).length);
      return value;
    }
    if (Array.isArray(value)) {
      const shown = Math.min(value.length, limits.elements);
      spend(2 + Math.max(0, shown - 1));
      if (shown < value.length) {
        cuts.push({ path, shown, of: value.length });
      }
      return value.slice(0, shown).map((element, index) => cut(element, `${path}/${index}`, depth + 1));
    }
    const entries = Object.entries(value) as [string, JsonValue][];
    spend(2 + Math.max(0, entries.length - 1));
    return Object.fromEntries(
      entries.map(([key, element]) => {
        spend(JSON.stringify(key).length + 1);
        return [key, cut(element, `${path}/${escapePointer(key)}`, depth + 1)];
      }),
    );
  };

  try {
    return { value: cut(output, '', 0), cuts };
  } catch (error) {
    if (error === TOO_LONG) {
      return undefined;
    }
    throw error;
  }
}

const TOO_LONG = Symbol('too long');

/** Cuts a text, never inside a character, and marks where. */
export function shorten(text: string, characters: number): { text: string; shown: number } {
  if (text.length <= characters) {
    return { text, shown: text.length };
  }
  const shown = wholeCharacters(text, Math.max(0, characters - 1));
  return { text: `${text.slice(0, shown)}…`, shown };
}

/** @returns `end`, or one less if a character that takes two code units would be cut in half there. */
export function wholeCharacters(text: string, end: number): number {
  const last = text.charCodeAt(end - 1);
  return end > 0 && end < text.length && last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}

function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** @returns what a JSON Pointer (RFC 6901) leads to, undefined if it leads nowhere. */
export function resolvePointer(value: JsonValue, pointer: string): JsonValue | undefined {
  let current: JsonValue | undefined = value;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    current =
      typeof current === 'object' && current !== null && Object.hasOwn(current, key)
        ? (current as Record<string, JsonValue | undefined>)[key]
        : undefined;
  }
  return current;
}
