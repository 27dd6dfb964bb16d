import fc from 'fast-check';

/** A change somewhere in a text. */
interface TextMutation {
  readonly operation: 'insert' | 'remove' | 'repeat' | 'cut' | 'swap';
  readonly at: number;
  readonly length: number;
  readonly token: string;
}

/** Pieces from which JSON is made, and those that look like it. */
export const jsonTokens = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '\\"',
  '\\u0000',
  '\\ud800',
  '\\udc00',
  '\\u00',
  '\\x',
  '"a":1,',
  '"key":"x",',
  '"__proto__":{"x":1},',
  '"k\\u0065y":2,',
  'null',
  'tru',
  'NaN',
  '-',
  '-0',
  '01',
  '1.',
  '1e999',
  '1E+2',
  '0x1',
  '\u0000',
  '\u001f',
  '\u2028',
  '\ufeff',
  ' ',
  '\t\r\n',
  '\u00a0',
  '//',
  '/**/',
  "'",
  '🎭',
];

/** @param options.unchanged - against three that are changed. */
export function mutatedText(
  valid: fc.Arbitrary<string>,
  options: { tokens: readonly string[]; unchanged?: number; maxMutations?: number },
): fc.Arbitrary<string> {
  const mutation: fc.Arbitrary<TextMutation> = fc.record({
    operation: fc.constantFrom('insert', 'insert', 'remove', 'repeat', 'cut', 'swap'),
    at: fc.nat({ max: 100_000 }),
    length: fc.integer({ min: 1, max: 8 }),
    token: fc.constantFrom(...options.tokens),
  });
  const mutations = fc.oneof(
    { weight: options.unchanged ?? 1, arbitrary: fc.constant([]) },
    { weight: 3, arbitrary: fc.array(mutation, { minLength: 1, maxLength: options.maxMutations ?? 3 }) },
  );
  return fc.tuple(valid, mutations).map(([text, changes]) => changes.reduce(mutate, text));
}

function mutate(text: string, { operation, at, length, token }: TextMutation): string {
  const from = at % (text.length + 1);
  const part = text.slice(from, from + length);
  switch (operation) {
    case 'insert':
      return text.slice(0, from) + token + text.slice(from);
    case 'remove':
      return text.slice(0, from) + text.slice(from + length);
    case 'repeat':
      return text.slice(0, from) + part + text.slice(from);
    case 'cut':
      return text.slice(0, from);
    case 'swap':
      return text.slice(0, from) + token + text.slice(from + length);
  }
}
