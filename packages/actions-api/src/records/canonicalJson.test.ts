import { expect, test } from 'vitest';
import { canonicalJson } from './canonicalJson.js';

test.each([
  ['{"a":1,"b":{"c":[1,null,"x"],"d":true}}', { b: { d: true, c: [1, undefined, 'x'] }, a: 1, e: undefined }],
  ['{"10":"b","2":"a"}', { 2: 'a', 10: 'b' }],
  ['{"a":[{"x":2,"y":1}]}', { a: [{ y: 1, x: 2 }] }],
  ['{"a":"\\u200b","b":"é"}', { b: 'é', a: '\u200b' }],
])('is %s in whatever order the keys come', (text, value) => {
  expect(canonicalJson(value)).toBe(text);
  expect(canonicalJson(JSON.parse(text))).toBe(text);
});
