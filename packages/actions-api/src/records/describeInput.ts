import { canonicalJson } from './canonicalJson.js';
import { isSecretField, MASK, scrubText } from './scrubText.js';
import { cutText } from './visibleText.js';

const MAX_DEPTH = 32;
/** Each is looked for in all texts of the call. */
const MAX_KNOWN_SECRETS = 50;
/** Shorter ones are part of ordinary words and numbers. */
const MIN_KNOWN_LENGTH = 6;
const TEXT_LIMITS = [4096, 1024, 256, 64];

export interface DescribedInput {
  readonly input?: unknown;
  readonly inputBytes?: number;
  /** What was hidden because of the field it stood in; error messages may repeat it. */
  readonly secrets: ReadonlySet<string>;
}

/**
 * An input as it may be recorded: plain JSON without secrets, at most `maxBytes` long, and a copy,
 * whatever the action does with the original.
 *
 * @param options.hides - `secrets`, by default: what stands in fields whose names say so, the same
 * texts elsewhere, and what looks like a secret. `fields`: the first alone, for people who decide about
 * the input and must not be shown less than what looks harmless.
 */
export function describeInput(
  input: unknown,
  maxBytes: number,
  { hides = 'secrets' }: { hides?: 'secrets' | 'fields' } = {},
): DescribedInput {
  if (input === undefined) {
    return { secrets: new Set() };
  }
  // Any more could not be recorded: each takes two bytes or more.
  const copying = new Copying(maxBytes / 2);
  const copy = copying.copy(input, 0);
  const { secrets } = copying;
  const scrubbed = hides === 'fields' ? copy : mapTexts(copy, text => scrubText(text, secrets));
  const text = canonicalJson(scrubbed);
  const inputBytes = Buffer.byteLength(text);
  if (inputBytes <= maxBytes) {
    return { input: scrubbed, secrets };
  }
  for (const limit of TEXT_LIMITS) {
    const shortened = mapTexts(scrubbed, value => cutText(value, limit));
    if (Buffer.byteLength(canonicalJson(shortened)) <= maxBytes) {
      return { input: shortened, inputBytes, secrets };
    }
  }
  // A third, because a character may take three bytes, and a note has to fit in.
  return { input: cutText(text, Math.floor((maxBytes - 64) / 3)), inputBytes, secrets };
}

/** Makes a plain copy of anything, within bounds, and keeps what stands in secret fields. */
class Copying {
  readonly secrets = new Set<string>();
  readonly #maxNodes: number;
  readonly #ancestors = new Set<object>();
  #nodes = 0;

  constructor(maxNodes: number) {
    this.#maxNodes = maxNodes;
  }

  copy(value: unknown, depth: number): unknown {
    this.#nodes += 1;
    if (this.#nodes > this.#maxNodes || depth > MAX_DEPTH) {
      return '…[cut: too large or too deep]';
    }
    if (value === null || typeof value === 'string' || typeof value === 'boolean') {
      return value;
    }
    if (typeof value === 'number') {
      return Number.isFinite(value) ? value : String(value);
    }
    if (typeof value !== 'object') {
      return typeof value === 'bigint' ? String(value) : `[${typeof value}]`;
    }
    if (value instanceof Date) {
      return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
    }
    if (value instanceof URL) {
      return value.href;
    }
    if (ArrayBuffer.isView(value)) {
      return `[${value.byteLength} bytes]`;
    }
    if (this.#ancestors.has(value)) {
      return '…[cut: contains itself]';
    }
    this.#ancestors.add(value);
    const copy = this.#copyContainer(value, depth);
    this.#ancestors.delete(value);
    return copy;
  }

  #copyContainer(value: object, depth: number): unknown {
    if (Array.isArray(value) || value instanceof Set) {
      return this.#copyList(value, depth);
    }
    return this.#copyMembers(
      value instanceof Map ? [...value].map(([k, v]) => [String(k), v]) : entriesOf(value),
      depth,
    );
  }

  #copyList(list: Iterable<unknown>, depth: number): unknown[] {
    const copies: unknown[] = [];
    for (const item of list) {
      copies.push(this.copy(item, depth + 1));
      if (this.#nodes > this.#maxNodes) {
        break;
      }
    }
    return copies;
  }

  #copyMembers(members: [string, unknown][], depth: number): Record<string, unknown> {
    const copy: Record<string, unknown> = {};
    for (const [key, member] of members) {
      if (member === undefined) {
        continue;
      }
      const isSecret = member !== null && isSecretField(key, member);
      if (isSecret) {
        this.#keepTexts(member, depth);
      }
      const value = isSecret ? MASK : this.copy(member, depth + 1);
      // Not by assignment: `__proto__` is a key like any other here.
      Object.defineProperty(copy, key, { value, enumerable: true, configurable: true, writable: true });
      if (this.#nodes > this.#maxNodes) {
        break;
      }
    }
    return copy;
  }

  #keepTexts(value: unknown, depth: number): void {
    this.#nodes += 1;
    if (this.#nodes > this.#maxNodes || depth > MAX_DEPTH) {
      return;
    }
    if (typeof value === 'object' && value !== null) {
      for (const [, member] of entriesOf(value)) {
        this.#keepTexts(member, depth + 1);
      }
      return;
    }
    const text = String(value);
    if (text.length >= MIN_KNOWN_LENGTH && this.secrets.size < MAX_KNOWN_SECRETS) {
      this.secrets.add(text);
    }
  }
}

function entriesOf(value: object): [string, unknown][] {
  try {
    return Object.entries(value);
  } catch {
    // A getter of a live object threw; that it was there is all that can be said.
    return [];
  }
}

function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') {
    return change(value);
  }
  if (Array.isArray(value)) {
    return value.map(item => mapTexts(item, change));
  }
  if (typeof value === 'object' && value !== null) {
    const changed = new Map<string, unknown>();
    for (const [key, member] of Object.entries(value)) {
      changed.set(freeKey(change(key), changed), mapTexts(member, change));
    }
    return Object.fromEntries(changed);
  }
  return value;
}

/** Two keys that were changed into the same text are still two. */
function freeKey(key: string, taken: ReadonlyMap<string, unknown>): string {
  let free = key;
  for (let number = 2; taken.has(free); number += 1) {
    free = `${key} (${number})`;
  }
  return free;
}
