import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallRecord, SealedRecord } from '../record/records.js';

export function makeFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'callboard-audit-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export const fileNames = (folder: string): string[] =>
  readdirSync(folder)
    .filter(name => name.endsWith('.jsonl'))
    .sort();

export const textOf = (folder: string): string =>
  fileNames(folder)
    .map(name => readFileSync(join(folder, name), 'utf8'))
    .join('');

export const recordsIn = (folder: string): SealedRecord[] =>
  textOf(folder)
    .split('\n')
    // What comes after the last line feed is not a record.
    .slice(0, -1)
    .map(line => JSON.parse(line));

export const callsIn = (folder: string): (CallRecord & SealedRecord)[] =>
  recordsIn(folder).filter((record): record is CallRecord & SealedRecord => 'requestId' in record);
