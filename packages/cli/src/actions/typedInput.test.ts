import { expect, it } from 'vitest';
import { readPairs } from './typedInput.js';

const schema = {
  type: 'object',
  properties: {
    text: { type: 'string' },
    count: { type: 'integer' },
    ratio: { type: 'number' },
    flag: { type: 'boolean' },
    list: { type: 'array', items: { type: 'integer' } },
    maybe: { anyOf: [{ type: 'string' }, { type: 'null' }] },
    either: { type: ['string', 'number'] },
    level: { enum: ['low', 'high'] },
    place: { type: 'object', properties: { city: { type: 'string' }, zip: { type: 'integer' } } },
    'dotted.name': { type: 'integer' },
    any: {},
  },
  additionalProperties: false,
};

it.each([
  [['text=12'], { text: '12' }],
  [['text='], { text: '' }],
  [['text=a=b'], { text: 'a=b' }],
  [['text="quoted"'], { text: '"quoted"' }],
  [['text=null'], { text: 'null' }],
  [['count=12'], { count: 12 }],
  [['count=-1'], { count: -1 }],
  [['ratio=1.5e3'], { ratio: 1500 }],
  [['flag=false'], { flag: false }],
  [['list=1', 'list=2'], { list: [1, 2] }],
  [['list=[1,2]'], { list: [1, 2] }],
  [['maybe=null'], { maybe: null }],
  [['maybe=text'], { maybe: 'text' }],
  [['either=5'], { either: 5 }],
  [['either=five'], { either: 'five' }],
  [['level=high'], { level: 'high' }],
  [['place.city=Rome', 'place.zip=100'], { place: { city: 'Rome', zip: 100 } }],
  [['place={"city":"Rome"}'], { place: { city: 'Rome' } }],
  [['dotted.name=1'], { 'dotted.name': 1 }],
  [['any=text'], { any: 'text' }],
  [['any={"a":[1]}'], { any: { a: [1] } }],
])('%j is %j', (pairs, input) => {
  expect(readPairs(pairs, schema)).toEqual(input);
});

it.each([
  [['text'], 'Expected key=value, got "text"'],
  [['=x'], 'Expected key=value, got "=x"'],
  [['count=1.5'], 'count: expected integer, got "1.5"'],
  [['count=x'], 'count: expected integer, got "x"'],
  [['flag=yes'], 'flag: expected boolean, got "yes"'],
  [['list=x'], 'list: expected integer, got "x"'],
  [['level=middle'], 'level: expected low, high, got "middle"'],
  [['text=a', 'text=b'], 'text: given more than once'],
  [['nosuch=1'], 'There is no input "nosuch"'],
  [['__proto__=1'], 'There is no input "__proto__"'],
  [['place=Rome'], 'place: expected object, got "Rome"'],
])('refuses %j', (pairs, problem) => {
  expect(() => readPairs(pairs, schema)).toThrow(problem);
});

it('takes names of the language for fields like any other', () => {
  const input = readPairs(['__proto__=1', 'constructor=2'], {});

  expect(Object.entries(input)).toEqual([
    ['__proto__', 1],
    ['constructor', 2],
  ]);
  expect(Object.getPrototypeOf(input)).toBe(Object.prototype);
});
