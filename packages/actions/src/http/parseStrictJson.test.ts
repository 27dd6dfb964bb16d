import { describe, expect, it } from 'vitest';
import { parseStrictJson } from './parseStrictJson.js';

const limits = { maxDepth: 4, maxKeys: 5 };
const parse = (text: string) => parseStrictJson(text, limits);

describe('parseStrictJson', () => {
  it.each([
    '{"a":[1,2,{"b":null}],"c":"x"}',
    '"text"',
    ' [ true , false ] ',
    '{"a":"{\\"a\\":1,\\"a\\":2}"}',
    '{"a":{"x":1},"b":{"x":2}}',
    '{"a":"\\\\","b":"\\u0041\\ud83d\\ude00"}',
  ])('reads %s as JSON.parse does', text => {
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  it.each([
    ['{"method":"a","method":"b"}', 'the key "method" appears twice in one object'],
    ['{"method":"a","m\\u0065thod":"b"}', 'the key "method" appears twice in one object'],
    ['{"a":{"b":1,"b":2}}', 'the key "b" appears twice in one object'],
    ['[[[[[]]]]]', 'nested more than 4 levels deep'],
    ['{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}', 'more than 5 keys'],
    ['{"a":"\\ud800"}', 'a string has an unpaired surrogate'],
    ['{"\\udc00":1}', 'a string has an unpaired surrogate'],
    ['{"a":"never ends', 'a string does not end'],
  ])('refuses %s', (text, reason) => {
    expect(() => parse(text)).toThrow(reason);
  });

  it.each(['', '{', '{"a":1,}', '{a:1}', '[1 2]', ']', 'NaN', "{'a':1}", '{"a":"\\x"}', '{"a":"\n"}'])(
    'refuses %j, which is not JSON',
    text => {
      expect(() => parse(text)).toThrow(expect.objectContaining({ name: 'StrictJsonError' }));
    },
  );

  it('keeps "__proto__" an ordinary key', () => {
    const value = parse('{"__proto__":{"polluted":true}}') as object;

    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('agrees with JSON.parse on whatever text it lets through', () => {
    const random = seededRandom(7);
    const alphabet = ['{', '}', '[', ']', '"', ':', ',', '\\', 'a', '1', ' ', '"k":', 'null', '\\u0041'];
    for (let round = 0; round < 20_000; round += 1) {
      const text = Array.from({ length: 1 + random(12) }, () => alphabet[random(alphabet.length)]).join('');
      let value: unknown;
      try {
        value = parseStrictJson(text, { maxDepth: 64, maxKeys: 100 });
      } catch (error) {
        expect((error as Error).name, text).toBe('StrictJsonError');
        continue;
      }
      expect(value, text).toEqual(JSON.parse(text));
    }
  });
});

function seededRandom(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}
