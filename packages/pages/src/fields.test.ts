import { expect, test } from 'vitest';
import { fieldsOf } from './fields.js';

test('a value is taken apart into places that can be told from each other', () => {
  const fields = fieldsOf({ a: { b: [1, { c: null }] }, 'x.y': '', '': [], 'é-1': {}, __proto__x: true });

  expect(fields).toEqual([
    { path: 'a.b[0]', value: 1 },
    { path: 'a.b[1].c', value: null },
    { path: '["x.y"]', value: '' },
    { path: '[""]', value: [] },
    { path: 'é-1', value: {} },
    { path: '__proto__x', value: true },
  ]);
  expect(fieldsOf('text')).toEqual([{ path: '', value: 'text' }]);
});
