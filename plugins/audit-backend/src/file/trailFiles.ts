import { createReadStream } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ChainHead, readLine } from '../record/chain.js';
import type { SealedRecord } from '../record/records.js';

const FILE_NAME = /^audit-(\d{12})\.jsonl$/;
const TAIL_BYTES = 65_536;

/** A file of a trail; named by its first record, so that names sort as the records do. */
export interface TrailFile {
  readonly name: string;
  readonly firstSeq: number;
}

export const nameOfFile = (firstSeq: number): string => `audit-${String(firstSeq).padStart(12, '0')}.jsonl`;

/** Holds the last record's number and hash, so that it shows when the end of the trail is cut off. */
export const headFileName = 'head.json';

/** @returns the files of a trail in the order of their records; links and devices are not part of it. */
export async function listTrailFiles(directory: string): Promise<TrailFile[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries
    .filter(entry => entry.isFile() && FILE_NAME.test(entry.name))
    .map(({ name }) => ({ name, firstSeq: Number(name.match(FILE_NAME)?.[1]) }))
    .sort((a, b) => a.firstSeq - b.firstSeq);
}

/** @returns `undefined` if there is none or it cannot be understood. */
export async function readHead(directory: string): Promise<ChainHead | undefined> {
  try {
    const { chain, seq, hash } = JSON.parse(await readFile(join(directory, headFileName), 'utf8'));
    return typeof chain === 'string' && Number.isSafeInteger(seq) && typeof hash === 'string'
      ? { chain, seq, hash }
      : undefined;
  } catch {
    // Missing or broken: the caller decides what that means.
    return undefined;
  }
}

/** The end of a file. */
export interface FileTail {
  /** The last line that has an end; `undefined` if there is none. */
  readonly lastLine: string | undefined;
  /** Where the last complete line ends. */
  readonly completeBytes: number;
  readonly totalBytes: number;
}

/** Reads the end of a file, as much as is needed for the last line. */
export async function readTail(path: string): Promise<FileTail> {
  const handle = await open(path, 'r');
  try {
    const { size: totalBytes } = await handle.stat();
    for (let length = Math.min(TAIL_BYTES, totalBytes); ; length = Math.min(length * 4, totalBytes)) {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, totalBytes - length);
      const bytes = buffer.subarray(0, bytesRead);
      const end = bytes.lastIndexOf(10);
      const start = end < 1 ? -1 : bytes.lastIndexOf(10, end - 1);
      if (start < 0 && length < totalBytes) {
        continue;
      }
      return {
        lastLine: end < 0 ? undefined : bytes.toString('utf8', start + 1, end),
        completeBytes: totalBytes - length + end + 1,
        totalBytes,
      };
    }
  } finally {
    await handle.close();
  }
}

/** A line of a file, counted from 1; `isComplete` is false for a last one without an end. */
export interface FileLine {
  readonly text: string;
  readonly number: number;
  readonly isComplete: boolean;
}

/** Reads a file line by line. Unlike `readline`, only a line feed ends a line. */
export async function* readLines(path: string): AsyncGenerator<FileLine> {
  let rest: Buffer[] = [];
  let number = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      number += 1;
      yield { text: Buffer.concat([...rest, chunk.subarray(start, end)]).toString(), number, isComplete: true };
      rest = [];
      start = end + 1;
    }
    if (start < chunk.length) {
      rest.push(chunk.subarray(start));
    }
  }
  if (rest.length > 0) {
    yield { text: Buffer.concat(rest).toString(), number: number + 1, isComplete: false };
  }
}

/** The newest file says in its first record from where on the trail is kept. */
export async function readKeptFrom(directory: string, files: readonly TrailFile[]): Promise<number> {
  for (const { name } of files.toReversed()) {
    const header = await readHeader(join(directory, name));
    if (header?.kind === 'file') {
      return header.keptFrom ?? 1;
    }
  }
  return 1;
}

/** @returns the first record of a file; `undefined` if it is not as it was written. */
export async function readHeader(path: string): Promise<SealedRecord | undefined> {
  for await (const { text } of readLines(path)) {
    return readLine(text);
  }
  return undefined;
}
