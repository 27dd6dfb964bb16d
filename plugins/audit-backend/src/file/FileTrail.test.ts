import { appendFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recordingLogger } from '@callboard/test-utils';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RecordContent } from '../record/records.js';
import { fileNames, makeFolder, recordsIn, textOf } from '../testing/trailFolder.js';
import { type FileLimits, FileTrail } from './FileTrail.js';
import { headFileName } from './trailFiles.js';
import { verifyTrail } from './verifyTrail.js';
import { verifyWriters } from './verifyWriters.js';

const generous: FileLimits = { maxBytes: 1_000_000, maxAgeMs: 3_600_000, maxFiles: 10 };

let folder: ReturnType<typeof makeFolder>;
let now: Date;
let logs: ReturnType<typeof recordingLogger>['logs'];
let trails: FileTrail[];

beforeEach(() => {
  folder = makeFolder();
  now = new Date('2027-01-01T00:00:00.000Z');
  logs = [];
  trails = [];
});

afterEach(async () => {
  await closeAll();
  folder.remove();
});

async function closeAll(): Promise<void> {
  for (const trail of trails.splice(0)) {
    await trail.close();
  }
}

function openTrail(limits: Partial<FileLimits> = {}): FileTrail {
  const recording = recordingLogger();
  logs = recording.logs;
  const trail = new FileTrail({
    directory: folder.path,
    limits: { ...generous, ...limits },
    logger: recording.logger,
    now: () => now,
  });
  trails.push(trail);
  return trail;
}

/** The trail of a process that starts when the ones before have ended. */
async function reopenTrail(limits: Partial<FileLimits> = {}): Promise<FileTrail> {
  await closeAll();
  return openTrail(limits);
}

const start = (): RecordContent => ({ kind: 'start', time: now.toISOString() });
const pathOf = (at: number) => join(folder.path, fileNames(folder.path).at(at) ?? '');

async function appendEach(trail: FileTrail, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await trail.append([start()]);
  }
}

test('what is appended is on disk, as lines that others on the machine cannot read', async () => {
  const trail = openTrail();

  await trail.append([start(), start()]);

  expect(recordsIn(folder.path).map(({ seq, kind }) => [seq, kind])).toEqual([
    [1, 'file'],
    [2, 'start'],
    [3, 'start'],
  ]);
  expect(statSync(pathOf(0)).mode & 0o777).toBe(0o600);
});

test('the chain goes on in the same file when the trail is opened again', async () => {
  await appendEach(openTrail(), 2);
  const chain = await (await reopenTrail()).findChain();
  await appendEach(await reopenTrail(), 2);

  expect(recordsIn(folder.path).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  expect(new Set(recordsIn(folder.path).map(record => record.chain))).toEqual(new Set([chain]));
  expect(fileNames(folder.path)).toEqual(['audit-000000000001.jsonl']);
  expect(await verifyTrail(folder.path)).toMatchObject({ ok: true, records: 5 });
});

test('a full file is followed by another one, and the chain goes on across both', async () => {
  await appendEach(openTrail({ maxBytes: 1_000 }), 10);

  const names = fileNames(folder.path);
  expect(names.length).toBeGreaterThan(2);
  for (const name of names) {
    expect(statSync(join(folder.path, name)).size).toBeLessThanOrEqual(1_000);
  }
  expect(await verifyTrail(folder.path)).toMatchObject({ ok: true, files: names.length });
});

test('an old file is followed by another one, also if it was begun by an earlier run', async () => {
  await appendEach(openTrail({ maxAgeMs: 1_000 }), 1);
  now = new Date(now.getTime() + 999);
  await appendEach(await reopenTrail({ maxAgeMs: 1_000 }), 1);
  now = new Date(now.getTime() + 1);
  await appendEach(await reopenTrail({ maxAgeMs: 1_000 }), 1);

  expect(fileNames(folder.path)).toEqual(['audit-000000000001.jsonl', 'audit-000000000004.jsonl']);
});

test('the oldest files go when there are too many, and the trail says so itself', async () => {
  await appendEach(openTrail({ maxBytes: 1_000, maxFiles: 3 }), 40);

  const first = recordsIn(folder.path)[0]?.seq ?? 0;
  const lastHeader = recordsIn(folder.path).findLast(({ kind }) => kind === 'file');
  expect(fileNames(folder.path)).toHaveLength(3);
  expect(first).toBeGreaterThan(1);
  expect(lastHeader).toMatchObject({ keptFrom: first });
  expect(await verifyTrail(folder.path)).toMatchObject({ ok: true });
});

test('an old file that is removed by somebody else is missed', async () => {
  await appendEach(openTrail({ maxBytes: 1_000, maxFiles: 3 }), 40);
  const removed = pathOf(0);
  rmSync(removed);

  expect(await verifyTrail(folder.path)).toMatchObject({ ok: false, problem: { kind: 'removed', line: 1 } });
});

test('a record that was not written in full is taken away at the next start', async () => {
  await appendEach(openTrail(), 2);
  appendFileSync(pathOf(0), '{"chain":"torn');
  const torn = await verifyTrail(folder.path);

  await appendEach(await reopenTrail(), 1);

  expect(torn).toMatchObject({ ok: true, records: 3, hasTornLine: true });
  expect(await verifyTrail(folder.path)).toMatchObject({ ok: true, records: 4, hasTornLine: false });
  expect(logs).toContainEqual(expect.objectContaining({ message: expect.stringContaining('removed 14 bytes') }));
});

test('a file of which nothing was written in full is used again', async () => {
  writeFileSync(join(folder.path, 'audit-000000000001.jsonl'), '{"to');

  await appendEach(openTrail(), 2);

  expect(fileNames(folder.path)).toEqual(['audit-000000000001.jsonl']);
  expect(await verifyTrail(folder.path)).toMatchObject({ ok: true, records: 3 });
});

test('so is one that follows others', async () => {
  await appendEach(openTrail(), 4);
  writeFileSync(join(folder.path, 'audit-000000000006.jsonl'), '{"to');

  await appendEach(await reopenTrail({ maxBytes: 1_000 }), 2);

  expect(await verifyTrail(folder.path)).toMatchObject({ ok: true });
});

test('a cut end stays visible: the chain goes on where it should have been', async () => {
  await appendEach(openTrail(), 5);
  const lines = readFileSync(pathOf(0), 'utf8').split('\n');
  writeFileSync(pathOf(0), `${lines.slice(0, 3).join('\n')}\n`);

  await appendEach(await reopenTrail(), 2);

  expect(logs).toContainEqual(expect.objectContaining({ level: 'error', message: expect.stringContaining('changed') }));
  expect(await verifyTrail(folder.path)).toMatchObject({
    ok: false,
    problem: {
      kind: 'removed',
      line: 1,
      file: 'audit-000000000007.jsonl',
      message: 'records 4 to 6 are missing before it',
    },
  });
});

test('a trail that is cut while it is written shows it as well', async () => {
  const trail = openTrail();
  await appendEach(trail, 5);
  truncateSync(pathOf(0), 100);

  await appendEach(trail, 2);

  expect(await verifyTrail(folder.path)).toMatchObject({ ok: false });
});

test('a folder that is emptied is not taken for a new trail', async () => {
  await appendEach(openTrail(), 2);
  rmSync(pathOf(0));

  await appendEach(await reopenTrail(), 1);

  expect(await verifyTrail(folder.path)).toMatchObject({ ok: false, problem: { kind: 'removed' } });
});

test('a last line that was changed stays as it is, and is found', async () => {
  await appendEach(openTrail(), 2);
  writeFileSync(pathOf(0), textOf(folder.path).replace(/"kind":"start"(?![\s\S]*"kind":"start")/, '"kind":"START"'));

  await appendEach(await reopenTrail(), 2);

  expect(textOf(folder.path)).toContain('START');
  expect(await verifyTrail(folder.path)).toMatchObject({ problem: { kind: 'changed', line: 3 } });
});

test('without anything to continue from, it says what to do', async () => {
  await appendEach(openTrail(), 1);
  writeFileSync(pathOf(0), 'garbage\n');
  rmSync(join(folder.path, headFileName));

  const reopened = await reopenTrail();

  await expect(reopened.append([start()])).rejects.toThrow(/last line of .* was changed\. Move .* elsewhere/);
});

test('the file may be moved away while the server runs', async () => {
  const trail = openTrail();
  await appendEach(trail, 2);
  rmSync(pathOf(0));

  await appendEach(trail, 1);

  expect(recordsIn(folder.path).map(({ seq }) => seq)).toEqual([4, 5]);
});

test('processes that take turns on one folder, each after the one before, write one chain', async () => {
  const [one, other] = [openTrail(), openTrail()];

  for (let turn = 0; turn < 5; turn += 1) {
    await one.append([start()]);
    await one.close();
    await other.append([start()]);
    await other.close();
  }

  expect(await verifyTrail(folder.path)).toMatchObject({ ok: true, records: 11 });
});

test('those that write to one folder at once write a chain each, and the next ones go on with them', async () => {
  const first = [openTrail(), openTrail(), openTrail()];
  await Promise.all(first.map(trail => appendEach(trail, 5)));
  const [one, two, three] = await Promise.all(first.map(trail => trail.findChain()));
  const names = first.map(({ name }) => name).sort();
  await closeAll();

  const next = openTrail();
  await appendEach(next, 1);
  const last = openTrail();
  await appendEach(last, 1);

  expect(names).toEqual(['', 'writer-2', 'writer-3'].map(name => join(folder.path, name)));
  expect(new Set([one, two, three]).size).toBe(3);
  expect([next.name, last.name]).toEqual([folder.path, join(folder.path, 'writer-2')]);
  expect([one, two, three]).toContain(await next.findChain());
  expect(await verifyWriters(folder.path)).toMatchObject([
    { writer: '', ok: true, records: 7 },
    { writer: 'writer-2', ok: true, records: 7 },
    { writer: 'writer-3', ok: true, records: 6 },
  ]);
});

test('a process whose folder was taken while it stood still goes on in another one, with another chain', async () => {
  const trail = openTrail();
  await appendEach(trail, 2);
  const chain = await trail.findChain();
  // As another process does that has waited for a sign of life in vain.
  writeFileSync(join(folder.path, 'lock-2.json'), readFileSync(join(folder.path, 'lock-1.json')));

  await appendEach(trail, 2);

  expect(trail.name).toBe(join(folder.path, 'writer-2'));
  expect(await trail.findChain()).not.toBe(chain);
  expect(logs).toContainEqual(expect.objectContaining({ level: 'warn', message: expect.stringContaining('took it') }));
  expect(await verifyWriters(folder.path)).toMatchObject([
    { ok: true, records: 3 },
    { ok: true, records: 3 },
  ]);
});

test('a trail whose folder is emptied while it is written, with the lock, goes on and shows it', async () => {
  const trail = openTrail();
  await appendEach(trail, 2);
  const chain = await trail.findChain();
  rmSync(folder.path, { recursive: true });

  await appendEach(trail, 1);

  expect(trail.name).toBe(folder.path);
  expect(await trail.findChain()).toBe(chain);
  expect(await verifyTrail(folder.path)).toMatchObject({ ok: false, problem: { kind: 'removed' } });
});
