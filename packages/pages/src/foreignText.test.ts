import { expect, test } from 'vitest';
import { foreignText } from './foreignText.js';

test('ordinary names of any script stay as they are', () => {
  for (const name of ['Cursor', 'Visual Studio Code', 'Zażółć', '看板', 'لوحة', 'नमस्ते', 'Café']) {
    expect(foreignText(name)).toBe(name.normalize('NFC'));
  }
});

test.each([
  ['right-to-left override', 'Cursor\u202egpj.exe'],
  ['isolate', 'a\u2066b'],
  ['zero-width space', 'Cur\u200bsor'],
  ['byte order mark', '\ufeffCursor'],
  ['tag characters', 'Cursor\u{e0041}'],
  ['NUL', 'a\0b'],
  ['escape', 'a\u001b[31m'],
  ['Hangul filler', 'a\u3164b'],
  ['lone surrogate', 'a\ud800b'],
])('an invisible %s becomes a visible mark', (_name, text) => {
  const shown = foreignText(text);

  expect(shown).toContain('\ufffd');
  expect(shown).not.toMatch(/[\p{C}\u3164]/u);
});

test('lines and wide spaces are one space', () => {
  expect(foreignText(' a\r\n\t b\u2028c\u3000d ')).toBe('a b c d');
});

test('marks do not pile up over the lines above', () => {
  expect([...foreignText(`Z${'\u0335'.repeat(50)}`)].length).toBeLessThanOrEqual(3);
});

test('a megabyte is cut at once', () => {
  const shown = foreignText('x'.repeat(1_000_000));

  expect(shown).toBe(`${'x'.repeat(79)}…`);
});
