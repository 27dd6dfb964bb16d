import { randomUUID } from 'node:crypto';
import { scrubText } from '@callboard/actions-api';
import { expect, test } from 'vitest';
import { CleanTexts } from './CleanTexts.js';

test.each(['user:default/ada', 'password=hunter22', `ghp_${'a'.repeat(36)}`, randomUUID(), ''])(
  'says the same as a look at the text, the first time and later: %s',
  text => {
    const texts = new CleanTexts();

    expect([texts.get(text), texts.get(text)]).toEqual([scrubText(text), scrubText(text)]);
  },
);

test('remembers a bounded number, and nothing long', () => {
  const texts = new CleanTexts();
  const many = Array.from({ length: 3_000 }, (_, index) => `token=secret-number-${index}`);

  const cleaned = many.map(text => texts.get(text));

  expect(cleaned).toEqual(many.map(text => scrubText(text)));
  expect(texts.get('a'.repeat(129))).toBeUndefined();
});
