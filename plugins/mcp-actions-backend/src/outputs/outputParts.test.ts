import type { JsonValue } from '@backstage/types';
import { describe, expect, it } from 'vitest';
import { cutOutput } from './cutOutput.js';
import { OutputStore } from './OutputStore.js';
import { firstCursor, type OutputPart, partAt, readCursor } from './outputParts.js';

const BUDGET = 1_000;

/** Reads on from a cut until nothing is left. */
async function readOn(output: JsonValue, isValid = true) {
  const cut = isValid ? await cutOutput(output, { budget: BUDGET, isValid: () => true }) : undefined;
  const json = JSON.stringify(output);
  const missing = cut
    ? cut.cuts.map(place => ({ kind: 'output' as const, ...place }))
    : [{ kind: 'json' as const, path: '' as const, shown: 0 as const, of: json.length }];
  const store = new OutputStore();
  const kept = store.keep({ owner: 'ada', actionId: 'a:b', toolName: 'a.b', json, content: [], missing });
  if (!kept) {
    throw new Error('It is too long to be kept');
  }
  const parts: OutputPart[] = [];
  for (let cursor = firstCursor(kept); cursor !== undefined; cursor = parts.at(-1)?.nextCursor) {
    const part = partAt(kept, readCursor(cursor)?.position as never, BUDGET);
    expect(JSON.stringify(part).length).toBeLessThanOrEqual(BUDGET);
    parts.push(part as OutputPart);
    expect(parts.length).toBeLessThan(1_000);
  }
  store.close();
  return { cut, parts, kept };
}

describe('parts of an output', () => {
  it('have each element once that the result does not show', async () => {
    const items = Array.from({ length: 300 }, (_, id) => ({ id, text: `text "${id}"` }));

    const { cut, parts } = await readOn({ items });

    const { items: shown = [] } = (cut?.value ?? {}) as { items?: JsonValue[] };
    expect([...shown, ...parts.flatMap(part => part.items ?? [])]).toEqual(items);
    expect(parts.length).toBeGreaterThan(5);
  });

  it('have the rest of every text, whatever has to be escaped in it', async () => {
    const texts = { one: '😀\n"'.repeat(700), two: '\u0001'.repeat(900) };

    const { cut, parts } = await readOn(texts);

    for (const key of ['one', 'two'] as const) {
      const shown = cut?.cuts.find(({ path }) => path === `/${key}`)?.shown ?? 0;
      const rest = parts.filter(({ path }) => path === `/${key}`).map(({ text }) => text);
      expect(texts[key].slice(0, shown) + rest.join('')).toBe(texts[key]);
    }
  });

  it('have an element that is longer than a part as pieces of its JSON', async () => {
    const rows = ['short', 'x'.repeat(3_000), 'y'.repeat(10)];
    const { parts } = await readOn([...Array(200).fill('filling it up'), ...rows]);

    const pieces = parts.filter(({ path }) => path === '/201');
    expect(pieces.length).toBeGreaterThan(2);
    expect(JSON.parse(pieces.map(({ json }) => json).join(''))).toBe('x'.repeat(3_000));
    expect(parts.at(-1)?.items).toEqual(['y'.repeat(10)]);
  });

  it('are pieces of its JSON where it could not be cut', async () => {
    const output = { text: 'z'.repeat(5_000) };

    const { parts } = await readOn(output, false);

    expect(JSON.parse(parts.map(({ json }) => json).join(''))).toEqual(output);
  });

  it('are nowhere else', async () => {
    const { kept } = await readOn({ items: Array(500).fill('item') });
    const id = kept.id;

    for (const cursor of [
      '',
      id,
      `${id}.0`,
      `${id}.0.0.0.0`,
      `${id}.-1.0.0`,
      `${id}.0x1.0.0`,
      `${id}.00.0.0`,
      `${id}.1e3.0.0`,
    ]) {
      expect(readCursor(cursor), cursor).toBeUndefined();
    }
    for (const position of [
      { missing: 1, at: 0, within: 0 },
      { missing: 0, at: 500, within: 0 },
      { missing: 0, at: 9e15, within: 0 },
    ]) {
      expect(partAt(kept, position, BUDGET)).toBeUndefined();
    }
    expect(partAt(kept, { missing: 0, at: 499, within: 9e15 }, BUDGET)).toMatchObject({ json: '' });
  });
});
