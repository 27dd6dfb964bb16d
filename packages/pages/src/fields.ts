import type { JsonValue } from '@backstage/types';

/** A value without parts, and where it stands. */
export interface Field {
  /** Such as `items[2].title`; empty for the whole. */
  readonly path: string;
  readonly value: JsonValue;
}

/** Takes a value apart. Empty lists and objects are fields like others. */
export function fieldsOf(value: JsonValue, path = ''): Field[] {
  const parts = partsOf(value);
  return parts.length === 0
    ? [{ path, value }]
    : parts.flatMap(([key, part]) => fieldsOf(part, path + pathStep(key, path)));
}

/** The members of a list or an object; none of what has no parts. */
export function partsOf(value: JsonValue): [string | number, JsonValue][] {
  if (Array.isArray(value)) {
    return value.map((item, index) => [index, item]);
  }
  return isObject(value) ? (Object.entries(value) as [string, JsonValue][]) : [];
}

function isObject(value: JsonValue): value is Record<string, JsonValue> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How the path of a part goes on from that of the whole. */
export function pathStep(key: string | number, path: string): string {
  if (typeof key === 'number') {
    return `[${key}]`;
  }
  const isName = /^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(key);
  return isName ? `${path === '' ? '' : '.'}${key}` : `[${JSON.stringify(key)}]`;
}
