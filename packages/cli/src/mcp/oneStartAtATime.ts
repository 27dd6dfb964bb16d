import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stateFolder } from '../auth/stateFolder.js';
import { withLock } from '../auth/withLock.js';
import { UnreachableError } from '../errors.js';
import type { Surroundings } from '../Surroundings.js';

const PATIENCE_MS = 150_000;

/**
 * Lets one backend of a project start at a time: two that make the tables of one database at once can leave it locked
 * for good, since knex then has two locks, of which it frees and expects one.
 *
 * @param options.entry - what tells the project from others.
 * @throws UnreachableError if another start takes too long.
 */
export async function oneStartAtATime<T>(options: {
  entry: string;
  surroundings: Surroundings;
  signal: AbortSignal;
  work: () => Promise<T>;
}): Promise<T> {
  const { entry, surroundings, signal, work } = options;
  const folder = join(stateFolder(surroundings), 'starts');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${createHash('sha256').update(entry).digest('hex').slice(0, 32)}.lock`);
  const late = AbortSignal.timeout(PATIENCE_MS);
  let isTaken = false;
  try {
    return await withLock(file, AbortSignal.any([signal, late]), () => {
      isTaken = true;
      return work();
    });
  } catch (error) {
    throw late.aborted && !isTaken
      ? new UnreachableError(`Another start of this project does not end. If there is none, delete ${file}`)
      : error;
  }
}
