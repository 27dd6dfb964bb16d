import type { JsonObject, JsonValue } from '@backstage/types';
import fc from 'fast-check';

/** Names that mean something else in JavaScript, or to whoever reads the text. */
export const hostileKeys = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'then',
  'toJSON',
  'length',
  '',
  ' ',
  'a.b',
  '$ref',
  '\u0000',
  '\u202e',
  '🎭',
];

export const hostileTexts = [
  '',
  ' ',
  '\u0000',
  '\ud800',
  '\udfff\ud800',
  '\u202eexe.txt',
  '\u2028',
  '\ufeff',
  '🎭',
  'e\u0301',
  "'; DROP TABLE users; --",
  '../../../../etc/passwd',
  '%2e%2e%2f%00',
  '${process.env.HOME}',
  '<script>alert(1)</script>',
  'javascript:alert(1)',
  'null',
  'true',
  '0x10',
  '1e3',
  '-0',
  '__proto__',
  'constructor',
  '*',
  'a'.repeat(300),
  '\n\r\n\r',
];

const hostileNumbers = [0, -1, 1, 0.1, 1e21, 1e308, -1e308, 5e-324, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53) - 2, 65_536];

/** Own members, whatever they are called. */
export function objectOf(entries: readonly (readonly [string, JsonValue])[]): JsonObject {
  const object = {};
  for (const [key, value] of entries) {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return object;
}

export function nested(depth: number, wrap: (inside: JsonValue) => JsonValue, core: JsonValue = 0): JsonValue {
  let value = core;
  for (let level = 0; level < depth; level += 1) {
    value = wrap(value);
  }
  return value;
}

const polluting = objectOf([['__proto__', { polluted: true, readOnly: true, isAdmin: true }]]);

const letters =
  'ab Z09_-.:/\\"\'<>{}[]%$#@!*\u0000\u0007\n\t\u007f\u0085\u00ad\u00e9\u0130\u200b\u2028\u202e\ud800\udfff\ufeff\uffff'.split(
    '',
  );

/** Text of letters that programs trip over, halves of letters among them. */
export const hostileText = (maxLength: number) =>
  fc.string({ maxLength, unit: fc.constantFrom(...letters, '🎭', 'e\u0301', '👩‍🚒') });

/** JSON that programs trip over. */
export const hostileValue: fc.Arbitrary<JsonValue> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<JsonValue>(null, true, false, [], {}, [[]], [null], polluting) },
  { weight: 4, arbitrary: fc.constantFrom(...hostileTexts) },
  { weight: 3, arbitrary: fc.constantFrom(...hostileNumbers) },
  { weight: 2, arbitrary: hostileText(12) },
  { weight: 1, arbitrary: fc.integer() },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map(number => number + 0 || 0) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...hostileKeys), fc.constantFrom<JsonValue>(1, 'x', null, {}))
      .map(([key, value]) => objectOf([[key, value]])),
  },
  { weight: 1, arbitrary: fc.constantFrom(10, 63, 64, 65, 200).map(depth => nested(depth, inside => [inside])) },
  { weight: 1, arbitrary: fc.constantFrom(10, 64, 150).map(depth => nested(depth, inside => ({ a: inside }))) },
);
