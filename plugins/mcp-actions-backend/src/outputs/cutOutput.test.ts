import type { JsonValue } from '@backstage/types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutOutput, resolvePointer } from './cutOutput.js';

const cut = (output: JsonValue, budget: number, isValid: (value: JsonValue) => boolean = () => true) =>
  cutOutput(output, { budget, isValid });
const lengthOf = (value: unknown) => JSON.stringify(value).length;

describe('an output that is too long', () => {
  it('loses the tail of its longest array, and nothing else', async () => {
    const items = Array.from({ length: 500 }, (_, id) => ({ id, tags: ['a', 'b'] }));

    const { value, cuts } = (await cut({ total: 500, items, page: [1, 2, 3] }, 2_000)) ?? {};

    const shown = cuts?.[0]?.shown ?? 0;
    expect(value).toEqual({ total: 500, items: items.slice(0, shown), page: [1, 2, 3] });
    expect(cuts).toEqual([{ path: '/items', shown, of: 500 }]);
    expect(lengthOf(value)).toBeLessThanOrEqual(2_000);
    expect(lengthOf({ total: 500, items: items.slice(0, shown + 1), page: [1, 2, 3] })).toBeGreaterThan(2_000);
  });

  it('loses of several arrays what the longest have more than others', async () => {
    const { cuts } = (await cut({ many: Array(300).fill(1_000), few: Array(20).fill(1_000) }, 1_000)) ?? {};

    expect(cuts).toMatchObject([{ path: '/many', of: 300 }]);
    expect(cuts?.[0]?.shown).toBeGreaterThan(20);
  });

  it('has its longest text shortened where one element each is too much', async () => {
    const { value, cuts } = (await cut({ log: 'x'.repeat(9_000), name: 'n'.repeat(300), lines: ['y'] }, 1_000)) ?? {};

    expect(cuts).toMatchObject([{ path: '/log', of: 9_000 }]);
    expect(value).toMatchObject({ name: 'n'.repeat(300), lines: ['y'], log: expect.stringMatching(/^x+…$/) });
    expect(lengthOf(value)).toBeLessThanOrEqual(1_000);
    expect(lengthOf(value)).toBeGreaterThan(990);
  });

  it('is cut in ways that its own schema allows, if there is one', async () => {
    const output = { lines: ['a'.repeat(900), 'b'.repeat(900), 'c'.repeat(900)], count: 3 };
    const countsRight = (value: JsonValue) => (value as typeof output).lines.length === (value as typeof output).count;

    const { value, cuts } = (await cut(output, 1_000, countsRight)) ?? {};

    expect(countsRight(value as JsonValue)).toBe(true);
    expect(cuts?.map(({ path }) => path)).toEqual(['/lines/0', '/lines/1', '/lines/2']);
  });

  it.each<[string, JsonValue, (value: JsonValue) => boolean]>([
    ['its schema allows no cut', { items: Array(1_000).fill('item') }, () => false],
    ['it is all keys', Object.fromEntries(Array.from({ length: 500 }, (_, key) => [`key-${key}`, key])), () => true],
  ])('is not cut where %s', async (_case, output, isValid) => {
    expect(await cut(output, 1_000, isValid)).toBeUndefined();
  });

  it('may be an array or a text itself', async () => {
    expect((await cut(Array(1_000).fill('item'), 1_000))?.cuts).toMatchObject([{ path: '', of: 1_000 }]);
    expect((await cut('long '.repeat(1_000), 1_000))?.cuts).toMatchObject([{ path: '', of: 5_000 }]);
  });

  it('keeps characters whole, and keys whatever their names', async () => {
    const output = JSON.parse(`{"__proto__":{"a/b~c":"${'😀'.repeat(2_000)}"}}`) as JsonValue;

    const { value, cuts } = (await cut(output, 1_000)) ?? {};

    expect(cuts).toMatchObject([{ path: '/__proto__/a~1b~0c', of: 4_000 }]);
    expect(JSON.stringify(value)).toMatch(/^\{"__proto__":\{"a\/b~c":"(😀)+…"\}\}$/u);
    expect(resolvePointer(output, '/__proto__/a~1b~0c')).toBe('😀'.repeat(2_000));
  });

  it('costs what its budget is, not what it is itself', async () => {
    let reads = 0;
    const rows = new Proxy(Array<JsonValue>(1_000_000).fill('a row'), {
      get(target, key) {
        reads += 1;
        return Reflect.get(target, key);
      },
    });

    const { cuts } = (await cut({ rows }, 2_000)) ?? {};

    expect(cuts).toMatchObject([{ path: '/rows', of: 1_000_000 }]);
    expect(reads).toBeLessThan(2_000 * 100);
  });

  it('is, whatever it is, short enough afterwards, with every place that is shown in part', async () => {
    const json = fc.jsonValue({ maxDepth: 5 }) as fc.Arbitrary<JsonValue>;
    await fc.assert(
      fc.asyncProperty(fc.array(json, { minLength: 1 }), fc.integer({ min: 2, max: 300 }), async (output, budget) => {
        const result = await cut(output, budget);

        if (lengthOf(output) <= budget) {
          expect(result).toEqual({ value: output, cuts: [] });
        } else if (result) {
          expect(lengthOf(result.value)).toBeLessThanOrEqual(budget);
          expect(result.cuts.length).toBeGreaterThan(0);
          for (const { path, shown, of } of result.cuts) {
            const whole = resolvePointer(output, path) as string | JsonValue[];
            expect(whole).toHaveLength(of);
            expect(shown).toBeLessThan(of);
          }
        }
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
