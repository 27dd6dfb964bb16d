import { expect, test } from 'vitest';
import { compareFields } from './fields.js';

test('two values are compared field by field', () => {
  const before = { title: 'A', done: false, gone: 1, kept: { deep: [1] } };
  const after = { title: 'B', done: false, kept: { deep: [1] }, added: { x: 1 } };

  expect(compareFields(before, after)).toEqual([
    { path: 'title', kind: 'changed', before: 'A', after: 'B' },
    { path: 'done', kind: 'same', after: false },
    { path: 'kept.deep[0]', kind: 'same', after: 1 },
    { path: 'added.x', kind: 'added', after: 1 },
    { path: 'gone', kind: 'removed', before: 1 },
  ]);
});

test.each([
  [
    'put in',
    ['a', 'c'],
    ['a', 'b', 'c'],
    [
      ['[0]', 'same'],
      ['[1]', 'added'],
      ['[2]', 'same'],
    ],
  ],
  [
    'taken out',
    ['a', 'b', 'c'],
    ['a', 'c'],
    [
      ['[0]', 'same'],
      ['[1]', 'removed'],
      ['[1]', 'same'],
    ],
  ],
  [
    'changed',
    ['a', 'b'],
    ['a', 'x'],
    [
      ['[0]', 'same'],
      ['[1]', 'changed'],
    ],
  ],
  ['emptied', ['a'], [], [['[0]', 'removed']]],
])('of a list, what was %s is found', (_name, before, after, expected) => {
  expect(compareFields(before, after).map(({ path, kind }) => [path, kind])).toEqual(expected);
});

test('a value that becomes one of another kind is removed and added', () => {
  expect(compareFields({ a: { b: 1 } }, { a: 'text' })).toEqual([
    { path: 'a.b', kind: 'removed', before: 1 },
    { path: 'a', kind: 'added', after: 'text' },
  ]);
  expect(compareFields({ a: [] }, { a: null })).toEqual([{ path: 'a', kind: 'changed', before: [], after: null }]);
});
