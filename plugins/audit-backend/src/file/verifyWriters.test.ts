import { readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recordingLogger } from '@callboard/test-utils';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeFolder } from '../testing/trailFolder.js';
import { FileTrail } from './FileTrail.js';
import { verifyWriters } from './verifyWriters.js';

let folder: ReturnType<typeof makeFolder>;

/** Three that write at once. */
beforeEach(async () => {
  folder = makeFolder();
  const trails = [1, 2, 3].map(openTrail);
  for (const trail of trails) {
    await trail.append([{ kind: 'start', time: new Date(0).toISOString() }]);
  }
  for (const trail of trails) {
    await trail.close();
  }
});

afterEach(() => folder.remove());

const openTrail = () =>
  new FileTrail({
    directory: folder.path,
    limits: { maxBytes: 1_000_000, maxAgeMs: 3_600_000, maxFiles: 10 },
    logger: recordingLogger().logger,
    now: () => new Date(),
  });

const pathOf = (writer: string) => join(folder.path, writer, 'audit-000000000001.jsonl');

test('every writer of a folder is looked at', async () => {
  expect(await verifyWriters(folder.path)).toMatchObject([
    { writer: '', ok: true, records: 2 },
    { writer: 'writer-2', ok: true, records: 2 },
    { writer: 'writer-3', ok: true, records: 2 },
  ]);
});

test('a change in the trail of one of them is found, and the others are looked at nevertheless', async () => {
  truncateSync(pathOf('writer-2'), 50);

  expect(await verifyWriters(folder.path)).toMatchObject([
    { ok: true },
    { writer: 'writer-2', ok: false, problem: { kind: 'cut' } },
    { ok: true },
  ]);
});

test.each([
  ['the first', '', () => [pathOf(''), join(folder.path, 'head.json')].map(path => rmSync(path))],
  ['one in between', 'writer-2', () => rmSync(join(folder.path, 'writer-2'), { recursive: true })],
])('a trail of %s that is gone is missed', async (_which, writer, remove) => {
  remove();

  const missed = (await verifyWriters(folder.path)).filter(({ ok }) => !ok);

  expect(missed).toMatchObject([{ writer, problem: { kind: 'removed' } }]);
});

test('the last one is missed by those who know that it was there', async () => {
  const last = (await verifyWriters(folder.path)).at(-1)?.last as { seq: number; hash: string };
  const knownHeads = new Map([['writer-3', last]]);
  const before = await verifyWriters(folder.path, { knownHeads });
  rmSync(join(folder.path, 'writer-3'), { recursive: true });

  const after = await verifyWriters(folder.path, { knownHeads });

  expect(before.every(({ ok }) => ok)).toBe(true);
  expect(after).toMatchObject([{ ok: true }, { ok: true }, { writer: 'writer-3', ok: false }]);
});

test('a process that has ended before its first record leaves nothing to verify', async () => {
  const trails = [1, 2, 3, 4].map(openTrail);
  for (const trail of trails) {
    await trail.findChain();
  }
  for (const trail of trails) {
    await trail.close();
  }
  rmSync(join(folder.path, 'writer-2', 'head.json'));
  rmSync(pathOf('writer-2'));

  expect(await verifyWriters(folder.path)).toMatchObject([
    { ok: true, records: 2 },
    { ok: true, records: 0 },
    { ok: true, records: 2 },
    { writer: 'writer-4', ok: true, records: 0 },
  ]);
});

test('what is not a folder of a writer is left alone', async () => {
  writeFileSync(join(folder.path, 'writer-9'), 'a note');

  expect(await verifyWriters(folder.path)).toHaveLength(3);
  expect(readdirSync(folder.path)).toContain('writer-9');
});

test('a folder without a trail is not in order', async () => {
  const empty = makeFolder();

  await expect(verifyWriters(empty.path)).rejects.toThrow('There is no audit trail');
  await expect(verifyWriters(join(empty.path, 'none'))).rejects.toThrow('ENOENT');
  empty.remove();
});
