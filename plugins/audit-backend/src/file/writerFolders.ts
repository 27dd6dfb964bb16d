import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FolderLock, type LockTimes } from './FolderLock.js';

const WRITER_NAME = /^writer-([2-9]|[1-9]\d{1,3})$/;
const MAX_WRITERS = 1_000;

/** The first writer's files are in the folder itself, those of others in folders of their own in there. */
export const nameOfWriter = (number: number): string => (number === 1 ? '' : `writer-${number}`);

/** A folder that is this process's own, until it releases it. */
export interface OwnFolder {
  readonly path: string;
  readonly lock: FolderLock;
}

/**
 * Takes the first folder that no living process writes to: `directory`, or one in it.
 *
 * @throws if none can be taken.
 */
export async function takeWriterFolder(directory: string, times?: LockTimes): Promise<OwnFolder> {
  for (let number = 1; number <= MAX_WRITERS; number += 1) {
    const path = join(directory, nameOfWriter(number));
    const lock = await takeFolder(path, times);
    if (lock) {
      return { path, lock };
    }
  }
  throw new Error(`${directory}: ${MAX_WRITERS} processes write there already`);
}

async function takeFolder(path: string, times: LockTimes | undefined): Promise<FolderLock | undefined> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    return await FolderLock.take(path, times);
  } catch (error) {
    throw new Error(
      `The audit folder ${path} cannot be locked for this process, which needs to create, read and change files there: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

/** @returns the numbers of all writers that have a folder in `directory`, and 1, in their order. */
export async function listWriters(directory: string): Promise<number[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const others = entries.filter(entry => entry.isDirectory()).map(({ name }) => Number(name.match(WRITER_NAME)?.[1]));
  return [1, ...others.filter(Number.isFinite).sort((a, b) => a - b)];
}
