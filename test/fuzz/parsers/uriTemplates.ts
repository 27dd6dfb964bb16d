import fc from 'fast-check';
import { UriTemplate } from '../../../packages/actions/src/offers/UriTemplate.js';
import { hold, holdEqual } from '../engine/expect.js';
import type { Kind } from '../engine/FuzzTarget.js';
import { mutatedText } from '../json/mutateText.js';

interface UriTemplateCase {
  readonly template: string;
  readonly uri: string;
}

const names = ['id', 'name', '_x', 'a1', 'Id'];
const templateTokens = [
  '{',
  '}',
  '{id}',
  '{+id}',
  '{id,name}',
  '/',
  ',',
  '.',
  '*',
  '%',
  '%41',
  '..',
  '?',
  '#',
  '(',
  'é',
  ' ',
];
const uriTokens = [
  '%2F',
  '%2f',
  '%2e',
  '%00',
  '%0A',
  '%',
  '%C3%A9',
  '%c3%a9',
  '%FF',
  '%41',
  "'",
  '(',
  '*',
  '!',
  '/',
  '.',
  '..',
  'é',
  '~',
  '+',
  '&',
];
const values = [
  'a',
  'Emma',
  'c 3',
  'é',
  "it's",
  '(x)',
  '.',
  '..',
  'a/b',
  'a\\b',
  '\u0000',
  '',
  '...',
  '*',
  '%41',
  '🎭',
  'a,b',
];

const literal = fc.constantFrom('/', '/items/', ',', '/x.', '?q=', ';', '/a+b/', '.', 'x', '');
const template = fc
  .tuple(
    fc.constantFrom('todo://', 'library://books/', 'x-y:', 'file:///', 'T:'),
    fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }),
    fc.array(literal, { minLength: 3, maxLength: 3 }),
  )
  .map(
    ([start, variables, literals]) => start + variables.map((name, index) => `{${name}}${literals[index]}`).join(''),
  );

const expand = (text: string, given: readonly string[], encode: (value: string) => string) => {
  let index = 0;
  return text.replace(/\{[^{}]*\}/g, () => encode(given[index++ % given.length] as string));
};

/** Values go into a URI and come out of it again, and nothing else comes out. */
export const uriTemplates: Kind<UriTemplateCase> = {
  name: 'URI templates',
  weight: 4,
  cases: mutatedText(template, { tokens: templateTokens, unchanged: 4, maxMutations: 2 }).chain(text =>
    fc.record({
      template: fc.constant(text),
      uri: mutatedText(
        fc
          .tuple(fc.array(fc.constantFrom(...values), { minLength: 1, maxLength: 3 }), fc.boolean())
          .map(([given, isPlain]) => expand(text, given, isPlain ? value => value : encodeURIComponent)),
        { tokens: uriTokens, unchanged: 3, maxMutations: 2 },
      ),
    }),
  ),
  check({ template: text, uri }) {
    const parsed = UriTemplate.parse(text);
    if (!(parsed instanceof UriTemplate)) {
      hold(typeof parsed.problem === 'string' && parsed.problem.length < 500, 'expected a problem in words', parsed);
      return;
    }
    const found = parsed.match(uri);
    holdEqual(found, matchNaively(text, uri), `matched ${uri} by ${text} in another way`);
    if (found) {
      holdEqual(Object.keys(found), [...parsed.variables], 'other variables');
      for (const value of Object.values(found)) {
        hold(
          !/[/\\\p{Cc}]/u.test(value) && value !== '.' && value !== '..' && value !== '',
          'a value that leads elsewhere',
          found,
        );
      }
      const again = expand(
        text,
        parsed.variables.map(name => found[name] as string),
        encodeURIComponent,
      );
      holdEqual(parsed.match(again), found, `what ${again} stands for`);
    }
  },
};

/** Tries every way in which the URI could be cut into values. */
function matchNaively(template: string, uri: string): Record<string, string> | undefined {
  if (uri.length > 2_048) {
    return undefined;
  }
  const parts = template.split(/[{}]/);
  const found: [string, string][][] = [];
  const go = (index: number, rest: string, values: [string, string][]): void => {
    const part = parts[index];
    if (part === undefined) {
      if (rest === '') {
        found.push(values);
      }
    } else if (index % 2 === 0) {
      if (rest.startsWith(part)) {
        go(index + 1, rest.slice(part.length), values);
      }
    } else {
      for (let end = 1; end <= rest.length && isInValue(rest[end - 1] as string); end += 1) {
        const value = decodeNaively(rest.slice(0, end));
        // A literal ends where its text ends, so half an escape is no value.
        if (value !== undefined) {
          go(index + 1, rest.slice(end), [...values, [part, value]]);
        }
      }
    }
  };
  go(0, uri, []);
  hold(found.length <= 1, 'one URI, several values', found);
  return found[0] && Object.fromEntries(found[0]);
}

const isInValue = (letter: string) => /[A-Za-z0-9\-._~!'()*%]/.test(letter);

/** One of the two ways to write a value: that of JavaScript, or that of RFC 6570. */
function decodeNaively(raw: string): string | undefined {
  let value: string;
  try {
    value = decodeURIComponent(raw);
  } catch {
    return undefined;
  }
  const ways = [/[A-Za-z0-9\-._~!'()*]/, /[A-Za-z0-9\-._~]/].map(plain =>
    [...value]
      .map(letter =>
        plain.test(letter)
          ? letter
          : [...Buffer.from(letter)].map(byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
      )
      .join(''),
  );
  const isPlain = ![...value].some(letter => letter === '/' || letter === '\\' || /\p{Cc}/u.test(letter));
  return ways.includes(raw) && isPlain && value !== '.' && value !== '..' ? value : undefined;
}
