import { matchesName, matchesPrincipal } from '@callboard/actions-api';
import fc from 'fast-check';
import { printable } from '../../../packages/actions/src/printable.js';
import { hold, holdEqual } from '../engine/expect.js';
import type { Kind } from '../engine/FuzzTarget.js';
import { hostileTexts } from '../json/hostileJson.js';

interface NamesCase {
  readonly pattern: string;
  readonly name: string;
}

const part = fc.constantFrom(
  '*',
  '*',
  'user:',
  'default',
  '/',
  'a',
  'aa',
  'b',
  'ab',
  'A',
  '.',
  '$',
  '(',
  '[',
  '\\',
  '+',
  'é',
  '',
);
const text = fc.array(part, { maxLength: 7 }).map(parts => parts.join(''));

/** Patterns of principals against every way in which their stars could be filled. */
export const names: Kind<NamesCase> = {
  name: 'patterns of names',
  weight: 3,
  cases: fc.record({
    pattern: text,
    name: fc.oneof(
      text.map(value => value.replaceAll('*', 'a')),
      fc.constantFrom(...hostileTexts),
      text,
    ),
  }),
  check({ pattern, name }) {
    holdEqual(matchesName(pattern, name), matchesNaively(pattern, name), `whether ${name} fits ${pattern}`);
    holdEqual(
      matchesPrincipal(pattern, name),
      matchesNaively(pattern.toLowerCase(), name.toLowerCase()),
      `whether the principal ${name} fits ${pattern}`,
    );
    const shown = printable(name);
    hold(!/[\p{Cc}\u2028\u2029]/u.test(shown) && shown.length <= 128 * 6, 'a name that cannot be shown', { shown });
  },
};

function matchesNaively(pattern: string, name: string): boolean {
  if (pattern === '') {
    return name === '';
  }
  if (pattern[0] === '*') {
    return matchesNaively(pattern.slice(1), name) || (name !== '' && matchesNaively(pattern, name.slice(1)));
  }
  return pattern[0] === name[0] && name !== '' && matchesNaively(pattern.slice(1), name.slice(1));
}
