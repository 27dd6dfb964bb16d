import type { JsonValue } from '@backstage/types';
import { canonicalJson } from '@callboard/actions-api';
import { fieldsOf, partsOf, pathStep } from '@callboard/pages';

/** A field before and after; one of them is absent where it is new or would be gone. */
export interface FieldChange {
  readonly path: string;
  readonly kind: 'same' | 'changed' | 'added' | 'removed';
  readonly before?: JsonValue;
  readonly after?: JsonValue;
}

/** Compares two values field by field, in the order of the second. */
export function compareFields(before: JsonValue, after: JsonValue, path = ''): FieldChange[] {
  if (canonicalJson(before) === canonicalJson(after)) {
    return fieldsOf(after, path).map(field => ({ path: field.path, kind: 'same', after: field.value }));
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    return compareLists(before, after, path);
  }
  if (isObject(before) && isObject(after)) {
    const keys = new Set([...Object.keys(after), ...Object.keys(before)]);
    return [...keys].flatMap(key => {
      const at = path + pathStep(key, path);
      if (!Object.hasOwn(before, key)) {
        return oneSided('added', after[key] as JsonValue, at);
      }
      return Object.hasOwn(after, key)
        ? compareFields(before[key] as JsonValue, after[key] as JsonValue, at)
        : oneSided('removed', before[key] as JsonValue, at);
    });
  }
  const isWhole = (value: JsonValue) => partsOf(value).length === 0;
  return isWhole(before) && isWhole(after)
    ? [{ path, kind: 'changed', before, after }]
    : [...oneSided('removed', before, path), ...oneSided('added', after, path)];
}

/** What was put in or taken out in one place leaves the rest of a list alone. */
function compareLists(before: JsonValue[], after: JsonValue[], path: string): FieldChange[] {
  const isSame = (one: JsonValue | undefined, other: JsonValue | undefined) =>
    canonicalJson(one) === canonicalJson(other);
  let start = 0;
  while (start < before.length && start < after.length && isSame(before[start], after[start])) {
    start += 1;
  }
  let end = 0;
  while (end < before.length - start && end < after.length - start && isSame(before.at(-1 - end), after.at(-1 - end))) {
    end += 1;
  }
  const paired = Math.min(before.length, after.length) - start - end;
  const at = (index: number) => `${path}[${index}]`;
  const sameAt = (index: number) => compareFields(after[index] as JsonValue, after[index] as JsonValue, at(index));
  const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from) }, (_, n) => from + n);
  return [
    ...range(0, start).flatMap(sameAt),
    ...range(start, start + paired).flatMap(index =>
      compareFields(before[index] as JsonValue, after[index] as JsonValue, at(index)),
    ),
    ...range(start + paired, before.length - end).flatMap(index =>
      oneSided('removed', before[index] as JsonValue, at(index)),
    ),
    ...range(start + paired, after.length - end).flatMap(index =>
      oneSided('added', after[index] as JsonValue, at(index)),
    ),
    ...range(after.length - end, after.length).flatMap(sameAt),
  ];
}

function oneSided(kind: 'added' | 'removed', value: JsonValue, path: string): FieldChange[] {
  return fieldsOf(value, path).map(field => ({
    path: field.path,
    kind,
    ...(kind === 'added' ? { after: field.value } : { before: field.value }),
  }));
}

function isObject(value: JsonValue): value is Record<string, JsonValue> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
