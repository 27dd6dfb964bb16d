import type { JsonObject, JsonValue } from '@backstage/types';
import fc from 'fast-check';
import { hostileKeys, hostileValue, objectOf } from './hostileJson.js';

const operations = ['replace', 'drop', 'rename', 'add', 'repeat', 'wrap', 'retype', 'misspell'] as const;

/** A change somewhere in a JSON value. */
interface Mutation {
  readonly operation: (typeof operations)[number];
  /** Picks the place, and what is done there. */
  readonly at: number;
  readonly key: string;
  readonly value: JsonValue;
}

type Place = { holder: JsonObject; key: string } | { holder: JsonValue[]; key: number };

/**
 * Valid values, of which most are changed at one to three random places.
 *
 * @param options.keys - names that mean something where the value is read.
 * @param options.values - values that do.
 */
export function mutatedJson<T extends JsonValue>(
  valid: fc.Arbitrary<T>,
  options: { keys?: readonly string[]; values?: fc.Arbitrary<JsonValue>; unchanged?: number } = {},
): fc.Arbitrary<JsonValue> {
  const mutation: fc.Arbitrary<Mutation> = fc.record({
    operation: fc.constantFrom(...operations),
    at: fc.nat({ max: 1_000_000 }),
    key: fc.constantFrom(...hostileKeys, ...(options.keys ?? []), ...(options.keys ?? [])),
    value: options.values ? fc.oneof(hostileValue, options.values) : hostileValue,
  });
  const mutations = fc.oneof(
    { weight: options.unchanged ?? 1, arbitrary: fc.constant([]) },
    { weight: 3, arbitrary: fc.array(mutation, { minLength: 1, maxLength: 3 }) },
  );
  return fc.tuple(valid, mutations).map(([value, changes]) => changes.reduce<JsonValue>(mutate, value));
}

function mutate(value: JsonValue, mutation: Mutation): JsonValue {
  const root = { value: structuredClone(value) } as JsonObject;
  const places = placesIn(root);
  apply(places[mutation.at % places.length] as Place, mutation);
  return root.value ?? null;
}

function placesIn(root: JsonObject): Place[] {
  const places: Place[] = [];
  const visit = (holder: unknown) => {
    if (Array.isArray(holder)) {
      holder.forEach((item, key) => {
        places.push({ holder, key });
        visit(item);
      });
    } else if (typeof holder === 'object' && holder !== null) {
      for (const [key, item] of Object.entries(holder)) {
        places.push({ holder: holder as JsonObject, key });
        visit(item);
      }
    }
  };
  visit(root);
  return places;
}

function apply({ holder, key }: Place, { operation, at, key: name, value }: Mutation): void {
  const current = Reflect.get(holder, key) as JsonValue;
  switch (operation) {
    case 'drop':
      remove(holder, key);
      break;
    case 'rename':
      rename(holder, key, name, current);
      break;
    case 'misspell':
      rename(holder, key, misspelled(String(key), at), current);
      break;
    default:
      define(holder, key, changed(current, { operation, at, key: name, value }));
  }
}

function changed(current: JsonValue, { operation, at, key, value }: Mutation): JsonValue {
  switch (operation) {
    case 'add':
      return isObject(current)
        ? objectOf([
            ...(Object.entries(current) as [string, JsonValue][]).filter(([name]) => name !== key),
            [key, value],
          ])
        : Array.isArray(current)
          ? [...current, value]
          : value;
    case 'repeat':
      return Array.isArray(current) && current.length > 0
        ? [...current, structuredClone(current[at % current.length] as JsonValue)]
        : [current, structuredClone(current)];
    case 'wrap':
      return at % 2 === 0 ? [current] : objectOf([[key, current]]);
    case 'retype':
      return retyped(current, at);
    default:
      return value;
  }
}

function remove(holder: JsonObject | JsonValue[], key: string | number): void {
  if (Array.isArray(holder)) {
    holder.splice(key as number, 1);
  } else {
    Reflect.deleteProperty(holder, key);
  }
}

function rename(holder: JsonObject | JsonValue[], key: string | number, name: string, value: JsonValue): void {
  if (!Array.isArray(holder)) {
    Reflect.deleteProperty(holder, key);
    define(holder, name, value);
  }
}

function define(holder: object, key: string | number, value: JsonValue): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** As people do: a letter left out, doubled, swapped or in another case. */
export function misspelled(text: string, how: number): string {
  if (text === '') {
    return 'x';
  }
  const at = Math.floor(how / 8) % text.length;
  const [before, letter, after] = [text.slice(0, at), text[at] as string, text.slice(at + 1)];
  const ways = [
    before + after,
    before + letter + letter + after,
    before + (after[0] ?? '') + letter + after.slice(1),
    before + (letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase()) + after,
    `${text}s`,
    `${text} `,
    text.replace(/[_-]/, letterOf => (letterOf === '_' ? '-' : '_')),
    text.toUpperCase(),
  ];
  return ways[how % ways.length] as string;
}

/** The same in another type, as configuration from variables and careless clients have it. */
function retyped(value: JsonValue, how: number): JsonValue {
  if (typeof value === 'string') {
    const number = Number(value);
    return how % 2 === 0 ? misspelled(value, Math.floor(how / 2)) : Number.isFinite(number) ? number : value.length;
  }
  if (typeof value === 'number') {
    return [String(value), 0 - value, value + 0.5, value * 1_000_000, ` ${value}`][how % 5] as JsonValue;
  }
  if (typeof value === 'boolean') {
    return [String(value), !value, Number(value), value ? 'yes' : 'no', String(value).toUpperCase()][
      how % 5
    ] as JsonValue;
  }
  return how % 2 === 0 ? JSON.stringify(value) : null;
}
