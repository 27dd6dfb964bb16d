import { expect, test } from 'vitest';
import { diffWords, type Stretch } from './diffWords.js';

const marked = (stretches: Stretch[]) => stretches.map(({ text, changed }) => (changed ? `[${text}]` : text)).join('');

test.each([
  ['opens at ten sharp', 'opens at nine sharp', 'opens at [ten] sharp', 'opens at [nine] sharp'],
  ['one two three', 'one three', 'one [two ]three', 'one three'],
  ['a b c d', 'a x y d', 'a [b c] d', 'a [x y] d'],
  ['same', 'same', 'same', 'same'],
  ['', 'new', '', '[new]'],
  ['price: 10€', 'price: 100€', 'price: [10]€', 'price: [100]€'],
  ['a\nb', 'a\r\nb', 'a[\n]b', 'a[\r\n]b'],
])('%j and %j', (before, after, old, young) => {
  const found = diffWords(before, after);

  expect([marked(found.before), marked(found.after)]).toEqual([old, young]);
});

test('nothing of a text is lost, whatever is in it', () => {
  const [before, after] = ['a\u202e\ud83d\ude00 e\u0301 \ud800 漢字', 'b\u0000\ud83d\ude01 e 漢'];

  const found = diffWords(before, after);

  expect(found.before.map(({ text }) => text).join('')).toBe(before);
  expect(found.after.map(({ text }) => text).join('')).toBe(after);
});

test('texts that have nothing in common and are long are compared in a moment', () => {
  const [before, after] = ['a b '.repeat(20_000), 'c d '.repeat(20_000)];
  const start = performance.now();

  const found = diffWords(before, after);

  expect(performance.now() - start).toBeLessThan(1_000);
  expect(found.before[0]?.changed).toBe(true);
});
