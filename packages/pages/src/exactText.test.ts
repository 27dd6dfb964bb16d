import { expect, test } from 'vitest';
import { exactText } from './exactText.js';

const read = (text: string) => exactText(text).toString();
const textOf = (text: string) => read(text).replace(/<i class="esc">|<\/i>/g, '');

test('ordinary text of any script stays as it is', () => {
  for (const text of ['select * from t;', 'Zażółć', '看板', 'لوحة', 'नमस्ते', 'e\u0301', 'a  b']) {
    expect(read(text)).toBe(text);
  }
});

test.each([
  ['right-to-left override', 'a\u202eb', 'a\\u{202e}b'],
  ['isolate', 'a\u2066b', 'a\\u{2066}b'],
  ['zero-width space', 'a\u200bb', 'a\\u{200b}b'],
  ['zero-width joiner', 'a\u200db', 'a\\u{200d}b'],
  ['byte order mark', '\ufeffa', '\\u{feff}a'],
  ['tag character', 'a\u{e0041}', 'a\\u{e0041}'],
  ['variation selector', 'a\ufe00\u{e0100}', 'a\\u{fe00}\\u{e0100}'],
  ['no-break space', 'a\u00a0b', 'a\\u{a0}b'],
  ['ideographic space', 'a\u3000b', 'a\\u{3000}b'],
  ['Hangul filler', 'a\u3164b', 'a\\u{3164}b'],
  ['Braille blank', 'a\u2800b', 'a\\u{2800}b'],
  ['line separator', 'a\u2028b', 'a\\u{2028}b'],
  ['NUL', 'a\0b', 'a\\u{0}b'],
  ['escape', 'a\u001b[2J', 'a\\u{1b}[2J'],
  ['lone surrogate', 'a\ud800b', 'a\\u{d800}b'],
  ['private use', 'a\ue000b', 'a\\u{e000}b'],
  ['soft hyphen', 'a\u00adb', 'a\\u{ad}b'],
  ['tab', 'a\tb', 'a\\tb'],
  ['carriage return', 'a\rb', 'a\\rb'],
])('a %s is a visible mark', (_name, text, shown) => {
  expect(textOf(text)).toBe(shown);
  expect(read(text)).toContain('<i class="esc">');
});

test('ends of lines are marked and kept', () => {
  expect(read('a\nb')).toBe('a<i class="esc">\\n</i>\nb');
});

test('marks do not pile up over the lines above, and none is lost', () => {
  expect(textOf(`Z${'\u0335'.repeat(4)}`)).toBe('Z\u0335\u0335\\u{335}\\u{335}');
});

test('what looks like a mark is told from one by its look', () => {
  expect(read('\\u{202e}')).toBe('\\u{202e}');
  expect(read('<i class="esc">\\u{202e}</i>')).not.toContain('<i');
});

test('markup is escaped', () => {
  expect(read('<script>"\u200b\'</script>')).toBe(
    '&lt;script&gt;&quot;<i class="esc">\\u{200b}</i>&#39;&lt;/script&gt;',
  );
});
