import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recordingLogger } from '@callboard/test-utils';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CallRecords } from '../record/callRecords.js';
import { sealAll } from '../record/chain.js';
import type { RecordContent, SealedRecord } from '../record/records.js';
import { auditedCall } from '../testing/auditedCall.js';
import { fileNames, makeFolder } from '../testing/trailFolder.js';
import { FileTrail } from './FileTrail.js';
import { headFileName } from './trailFiles.js';
import { verifyTrail } from './verifyTrail.js';

let folder: ReturnType<typeof makeFolder>;

/** Two files; the first has the records 1 to 10. */
beforeEach(async () => {
  folder = makeFolder();
  const trail = new FileTrail({
    directory: folder.path,
    limits: { maxBytes: 5_500, maxAgeMs: 3_600_000, maxFiles: 10 },
    logger: recordingLogger().logger,
    now: () => new Date(),
  });
  for (let n = 0; n < 15; n += 1) {
    const call = auditedCall({ requestId: `call-${n}`, input: { n } });
    await trail.append([new CallRecords({ call, maxInputBytes: 1000 }).intent(new Date(0))]);
  }
  await trail.close();
});

afterEach(() => folder.remove());

const files = () => fileNames(folder.path);
const linesOf = (at: number): string[] =>
  readFileSync(join(folder.path, files()[at] ?? ''), 'utf8')
    .split('\n')
    .slice(0, -1);
const setLines = (at: number, lines: string[]) =>
  writeFileSync(join(folder.path, files()[at] ?? ''), lines.map(line => `${line}\n`).join(''));

function change(at: number, edit: (lines: string[]) => void): void {
  const lines = linesOf(at);
  edit(lines);
  setLines(at, lines);
}

/** As somebody who knows how the chain is made. */
function rewrite(line: string, edit: (content: Record<string, unknown>) => void): string {
  const { hash, prevHash, seq, chain, ...content } = JSON.parse(line) as SealedRecord;
  edit(content);
  return sealAll([content as RecordContent], { chain, seq: seq - 1, hash: prevHash })[0]?.line ?? '';
}

test('an untouched trail is in order', async () => {
  expect(files()).toHaveLength(2);
  expect(await verifyTrail(folder.path)).toMatchObject({ ok: true, files: 2, records: 17, last: { seq: 17 } });
});

test.each([0, 1])('every change of any line of file %i is found, at that line', async at => {
  const lines = linesOf(at);

  for (const [index, line] of lines.entries()) {
    const position = Math.floor((line.length * (index + 1)) / (lines.length + 1));
    setLines(at, lines.with(index, `${line.slice(0, position)}x${line.slice(position + 1)}`));
    const { problem } = await verifyTrail(folder.path);
    expect(problem).toMatchObject({ kind: 'changed', file: files()[at], line: index + 1 });
  }
});

test('a changed line whose hash was made anew is found', async () => {
  change(0, lines => {
    lines[4] = rewrite(lines[4] ?? '', content => {
      content.principal = 'user:default/eve';
    });
  });

  expect((await verifyTrail(folder.path)).problem).toMatchObject({ kind: 'changed', file: files()[0], line: 5 });
});

test('every single line that is removed is missed', async () => {
  const lines = linesOf(0);

  for (const index of lines.keys()) {
    setLines(0, lines.toSpliced(index, 1));
    const { problem } = await verifyTrail(folder.path);
    const isLast = index === lines.length - 1;
    expect(problem).toMatchObject({ kind: 'removed', file: files()[isLast ? 1 : 0], line: isLast ? 1 : index + 1 });
  }
});

test('lines that changed places are found, within a file and between files', async () => {
  const [first, second] = [linesOf(0), linesOf(1)];
  change(0, lines => lines.splice(3, 2, first[4] ?? '', first[3] ?? ''));
  const within = await verifyTrail(folder.path);
  setLines(0, first.with(5, second[2] ?? ''));
  setLines(1, second.with(2, first[5] ?? ''));
  const between = await verifyTrail(folder.path);

  expect(within.problem).toMatchObject({ kind: 'reordered', line: 4 });
  expect(between.problem).toMatchObject({ kind: 'reordered', file: files()[0], line: 6 });
});

test('a line that is there twice is found', async () => {
  change(0, lines => lines.splice(3, 0, lines[3] ?? ''));

  expect((await verifyTrail(folder.path)).problem).toMatchObject({ kind: 'reordered', line: 5 });
});

test('a line that was put in is found', async () => {
  change(0, lines =>
    lines.splice(
      3,
      0,
      rewrite(lines[3] ?? '', content => void Object.assign(content, { name: 'never happened' })),
    ),
  );

  expect((await verifyTrail(folder.path)).problem).toMatchObject({ kind: 'reordered', line: 5 });
});

test.each([1, 2, 4])('a trail whose last %i lines are cut off is found', async count => {
  const { length } = linesOf(1);
  change(1, lines => lines.splice(-count));

  expect((await verifyTrail(folder.path)).problem).toMatchObject({ kind: 'cut', line: length - count + 1 });
});

test('a line cut in the middle is found, because it had been written in full', async () => {
  const path = join(folder.path, files()[1] ?? '');
  writeFileSync(path, readFileSync(path, 'utf8').slice(0, -50));

  const { ok, hasTornLine, problem } = await verifyTrail(folder.path);

  expect([ok, hasTornLine, problem?.kind]).toEqual([false, true, 'cut']);
});

test.each([
  [0, 'removed'],
  [1, 'cut'],
])('a missing file %i is found as %s', async (at, kind) => {
  rmSync(join(folder.path, files()[at] ?? ''));

  expect((await verifyTrail(folder.path)).problem).toMatchObject({ kind });
});

test('a trail that lost all of its files is found', async () => {
  for (const name of files()) {
    rmSync(join(folder.path, name));
  }

  expect((await verifyTrail(folder.path)).problem).toMatchObject({ kind: 'cut' });
});

test.each([
  ['missing', () => rmSync(join(folder.path, headFileName))],
  ['changed', () => writeFileSync(join(folder.path, headFileName), '{}')],
])('where the end is noted may not be %s either', async (_name, spoil) => {
  spoil();

  expect((await verifyTrail(folder.path)).problem).toMatchObject({ kind: 'removed', file: headFileName });
});

test('a whole trail that was made anew is found by a hash that was kept elsewhere', async () => {
  const { last } = await verifyTrail(folder.path);
  const contents = [...linesOf(0), ...linesOf(1)].map(line => {
    const { hash, prevHash, seq, chain, ...content } = JSON.parse(line) as SealedRecord;
    return { ...content, ...('principal' in content && { principal: 'user:default/eve' }) } as RecordContent;
  });
  const made = sealAll(contents, { chain: 'made', seq: 0, hash: '0'.repeat(64) });
  const lengthOfFirst = linesOf(0).length;
  setLines(
    0,
    made.slice(0, lengthOfFirst).map(({ line }) => line),
  );
  setLines(
    1,
    made.slice(lengthOfFirst).map(({ line }) => line),
  );
  const { chain, seq, hash } = made.at(-1)?.record ?? {};
  writeFileSync(join(folder.path, headFileName), JSON.stringify({ chain, seq, hash }));

  expect(await verifyTrail(folder.path)).toMatchObject({ ok: true });
  expect(await verifyTrail(folder.path, { knownHead: last })).toMatchObject({
    ok: false,
    problem: { kind: 'changed', message: 'the chain was made anew up to record 17' },
  });
});

test('a folder without a trail is not in order', async () => {
  const empty = makeFolder();

  await expect(verifyTrail(empty.path)).rejects.toThrow('There is no audit trail');
  await expect(verifyTrail(join(empty.path, 'none'))).rejects.toThrow('ENOENT');
  empty.remove();
});
