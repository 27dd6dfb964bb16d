import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { judgeAnswer } from '../load/judgeAnswer.mjs';
import { readTrail } from './readTrail.mjs';
import { compare } from './settle.mjs';

const call = (more: object = {}) => ({
  id: 'a-1',
  kind: 'modern',
  tool: 'faults.record',
  state: 'done' as const,
  refusals: 0,
  doubts: 0,
  ...more,
});
const recorded = (more: object = {}) => new Map([['a-1', { intents: 1, outcomes: 1, failures: 0, ...more }]]);
const ran = (count = 1) => new Map([['a-1', count]]);
const nothing = new Map();

describe('the account of a call', () => {
  it('has nothing against one that ran once and is on record', () => {
    const { lost, twice, unrecorded, done } = compare([call()], recorded(), ran());

    expect({ lost, twice, unrecorded, done }).toEqual({ lost: [], twice: [], unrecorded: [], done: 1 });
  });

  it.each([
    ['its row is missing', call(), recorded(), nothing],
    ['it is not on record', call(), nothing, ran()],
    ['its outcome is not on record', call(), recorded({ outcomes: 0 }), ran()],
    ['it has an intent more than attempts', call(), recorded({ intents: 2 }), ran()],
    ['it was never answered', call({ state: 'givenUp', refusals: 9 }), nothing, nothing],
    ['it got the result of another', call({ state: 'wrong' }), recorded(), ran()],
    ['it was made again and never ran', call({ state: 'doubt', doubts: 2, retries: 1 }), nothing, nothing],
  ])('counts as lost if %s', (_why, lostCall, trail, runs) => {
    expect(compare([lostCall], trail, runs).lost).toHaveLength(1);
  });

  it.each([
    ['has two rows', recorded(), ran(2)],
    ['has two outcomes', recorded({ intents: 2, outcomes: 2 }), ran()],
  ])('counts as run twice if it %s', (_what, trail, runs) => {
    expect(compare([call({ doubts: 1 })], trail, runs).twice).toHaveLength(1);
  });

  it('tells what ran without a record', () => {
    expect(compare([], nothing, ran()).unrecorded).toEqual(['a-1']);
  });

  it('lets a refused attempt have left an intent', () => {
    expect(compare([call({ refusals: 1 })], recorded({ intents: 2 }), ran()).lost).toEqual([]);
  });
});

describe('the trail', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'callboard-faults-trail-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is read of all writers, over the ends of files, up to a line that was cut off', async () => {
    const line = (record: object) => `${JSON.stringify(record)}\n`;
    mkdirSync(join(folder, 'writer-2'));
    writeFileSync(join(folder, 'audit-1.jsonl'), line({ kind: 'intent', requestId: 'r1', input: { id: 'a-1' } }));
    writeFileSync(join(folder, 'audit-10.jsonl'), line({ kind: 'outcome', requestId: 'r1' }));
    writeFileSync(
      join(folder, 'writer-2/audit-1.jsonl'),
      `${line({ kind: 'intent', requestId: 'r2', input: { id: 'a-2' } })}${line({ kind: 'outcome', requestId: 'r2', error: { name: 'E' } })}{"kind":"inte`,
    );

    expect(Object.fromEntries(await readTrail(folder))).toEqual({
      'a-1': { intents: 1, outcomes: 1, failures: 0 },
      'a-2': { intents: 1, outcomes: 0, failures: 1 },
    });
  });
});

describe('an answer', () => {
  const json = { 'content-type': 'application/json' };
  const answer = (status: number, body: unknown, more: object = {}) => ({
    status,
    headers: json,
    text: typeof body === 'string' ? body : JSON.stringify(body),
    isComplete: true,
    ...more,
  });
  const failed = (text: string) => answer(200, { result: { isError: true, content: [{ type: 'text', text }] } });

  it.each([
    ['done', answer(200, { result: { structuredContent: { id: 'a-1' } } })],
    ['wrong', answer(200, { result: { structuredContent: { id: 'a-2' } } })],
    ['refused', answer(503, 'No replica takes connections')],
    ['refused', failed('ServiceUnavailableError: audit: "x" did not run, because the audit trail cannot be written')],
    ['failed', failed('ServiceUnavailableError: audit: "x" ran, but how it ended could not be written')],
    ['failed', answer(200, { error: { code: -32603, message: 'failed unexpectedly' } })],
    ['failed', answer(200, { error: { code: -32603, message: 'Whether it has been done is not known' } })],
    ['gone', answer(404, { error: { code: -31404, message: 'Session not found' } })],
    ['broken', answer(502, 'The connection to the replica broke')],
    ['broken', answer(200, '{"result":{"struct', { isComplete: false })],
  ])('is %s', (verdict, given) => {
    expect(judgeAnswer(given, 'a-1').verdict).toBe(verdict);
  });
});
