import fc from 'fast-check';
import { parseStrictJson, StrictJsonError } from '../../../packages/actions/src/http/parseStrictJson.js';
import { hold, holdEqual, thrownBy } from '../engine/expect.js';
import type { Kind } from '../engine/FuzzTarget.js';
import { hostileText, hostileValue } from '../json/hostileJson.js';
import { jsonTokens, mutatedText } from '../json/mutateText.js';
import { readNaively } from '../json/naiveJson.js';

interface StrictJsonCase {
  readonly text: string;
  readonly maxDepth: number;
  readonly maxKeys: number;
}

const blanks = fc.constantFrom('', '', '', ' ', '\n', '\t ');
/** The same key can be written in several ways. */
const keys = fc.constantFrom(
  '"key"',
  '"a"',
  '"__proto__"',
  '"b c"',
  '"\\""',
  '"🎭"',
  '""',
  '"k\\u0065y"',
  '"\\u0061"',
  '"\\ud83c\\udfad"',
);
const member = (value: fc.Arbitrary<string>) => fc.tuple(keys, blanks, value);
const toObject = (members: readonly (readonly [string, string, string])[]) =>
  `{${members.map(([key, blank, value]) => `${key}${blank}:${blank}${value}`).join(',')}}`;

/** JSON as text, since a value has no key twice. */
const { text: json } = fc.letrec<{ text: string; leaf: string }>(tie => ({
  leaf: fc.oneof(
    fc.integer().map(String),
    fc.constantFrom('true', 'null', '-0', '1.5e3', '""', '"\\ud800"', '"\\u0000"', '1E400', '"\\/"'),
    hostileText(6).map(text => JSON.stringify(text)),
    hostileValue.map(value => JSON.stringify(value)),
  ),
  text: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    tie('leaf'),
    fc.array(tie('text'), { maxLength: 4 }).map(items => `[${items.join(',')}]`),
    fc.uniqueArray(member(tie('text')), { maxLength: 4, selector: ([key]) => JSON.parse(key) }).map(toObject),
    fc.array(member(tie('text')), { maxLength: 3 }).map(toObject),
  ),
}));

/** `parseStrictJson` takes what a plain reader takes, and gives the same value as `JSON.parse`. */
export const strictJson: Kind<StrictJsonCase> = {
  name: 'strict JSON',
  weight: 6,
  cases: fc.record({
    text: mutatedText(json, { tokens: jsonTokens, unchanged: 3 }).map(text => text.toWellFormed()),
    maxDepth: fc.constantFrom(1, 3, 64),
    maxKeys: fc.constantFrom(1, 4, 10_000),
  }),
  check({ text, ...limits }) {
    const expected = readNaively(text, limits);
    let actual: unknown;
    const error = thrownBy(() => {
      actual = parseStrictJson(text, limits);
    });

    hold(error === undefined || error instanceof StrictJsonError, 'expected a StrictJsonError', error?.stack);
    if ('problem' in expected) {
      hold(error !== undefined, 'took what is not to be taken', expected.problem, { actual });
      return;
    }
    hold(error === undefined, 'refused what is to be taken', error?.message);
    holdEqual(actual, expected.value, 'read something else');
    holdEqual(actual, JSON.parse(text), 'read something else than JSON.parse');
  },
};
