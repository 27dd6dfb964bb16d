import { connectReplicas, type TestReplica } from '@callboard/test-utils';
import { beforeEach, describe, expect, it } from 'vitest';
import { OutputStore } from './OutputStore.js';
import { firstCursor, readCursor } from './outputParts.js';

const rows = Array.from({ length: 60_000 }, (_, id) => ({ id, text: `row ${id} ä😀"\n` }));
const output = {
  owner: 'ada',
  actionId: 'a:b',
  toolName: 'a.b',
  json: JSON.stringify({ rows }),
  content: [{ type: 'image' as const, data: 'A'.repeat(300_000), mimeType: 'image/png' }],
  missing: [{ kind: 'output' as const, path: '/rows', shown: 10, of: rows.length }],
};
const BUDGET = 2_000;

let nowMs: number;
let here: TestReplica;
let there: TestReplica;
let reader: OutputStore;
let keeper: OutputStore;

beforeEach(() => {
  nowMs = 0;
  [here, there] = connectReplicas(2) as [TestReplica, TestReplica];
  [reader, keeper] = [here, there].map(replicas => {
    const store = new OutputStore({ replicas, nowMs: () => nowMs, lifetimeMs: 1_000 });
    store.open();
    return store;
  }) as [OutputStore, OutputStore];
});

function keep() {
  const kept = keeper.keep(output) ?? expect.fail('It is too long to be kept');
  const read = readCursor(firstCursor(kept) ?? '') ?? expect.fail('There is nothing to read');
  return { id: kept.id, position: read.position };
}

describe('an output that another replica keeps', () => {
  it('is named after that replica', () => {
    expect(keep().id.startsWith(`${there.id}.`)).toBe(true);
  });

  it('is read in parts, as it is there', async () => {
    const { id, position } = keep();

    const part = await (await reader.find(id, 'ada', position))?.part(position, BUDGET);

    const own = await (await keeper.find(id, 'ada', position))?.part(position, BUDGET);
    expect(part?.items?.[0]).toEqual(rows[10]);
    expect(part).toEqual(own);
  });

  it('does not move for the sake of one part', async () => {
    const { id, position } = keep();

    await (await reader.find(id, 'ada', position))?.part(position, BUDGET);

    expect(here.received.join('').length).toBeLessThan(2 * BUDGET);
  });

  it('is read as a whole, in pieces that fit into messages', async () => {
    const { id } = keep();

    const found = await reader.find(id, 'ada');
    const whole = await found?.whole();

    expect(found?.actionId).toBe('a:b');
    expect(whole).toEqual({ json: output.json, content: output.content });
    expect(Math.max(...here.received.map(({ length }) => length))).toBeLessThan(200_000);
  });

  it.each<[string, () => { id: string; owner: string; position?: { missing: number; at: number; within: number } }]>([
    ['for somebody else', () => ({ id: keep().id, owner: 'eve' })],
    ['under another id', () => ({ id: `${there.id}.other`, owner: 'ada' })],
    ['on a replica that never was', () => ({ id: `nobody.${keep().id.split('.')[1]}`, owner: 'ada' })],
    ['under what is no id', () => ({ id: `${there.id}:*.x`, owner: 'ada' })],
    [
      'where it has no part',
      () => ({ id: keep().id, owner: 'ada', position: { missing: 0, at: rows.length, within: 0 } }),
    ],
  ])('does not exist %s', async (_, elsewhere) => {
    const { id, owner, position } = elsewhere();

    expect(await reader.find(id, owner, position)).toBeUndefined();
  });

  it('is gone when its time is over, and with its replica', async () => {
    const { id } = keep();
    const other = keep().id;

    nowMs = 999;
    const before = await reader.find(id, 'ada');
    nowMs = 1_000;
    const after = await reader.find(id, 'ada');
    nowMs = 0;
    there.kill();

    expect(before).toBeDefined();
    expect(after).toBeUndefined();
    expect(await reader.find(other, 'ada')).toBeUndefined();
  });

  it('says so when it goes after it was found', async () => {
    const { id, position } = keep();
    const found = await reader.find(id, 'ada', position);

    nowMs = 1_000;

    await expect(found?.part(position, BUDGET)).rejects.toMatchObject({ name: 'NotFoundError' });
    await expect(found?.whole()).rejects.toMatchObject({ name: 'NotFoundError' });
  });

  it('may be there while its replica cannot be reached', async () => {
    const { id } = keep();

    here.cutAllOff(true);
    await expect(reader.find(id, 'ada')).rejects.toMatchObject({ name: 'ServiceUnavailableError' });
    here.cutAllOff(false);

    expect(await reader.find(id, 'ada')).toBeDefined();
  });

  it('is nowhere to be found once it is closed', async () => {
    const { id } = keep();

    keeper.close();

    await expect(reader.find(id, 'ada')).resolves.toBeUndefined();
  });
});
