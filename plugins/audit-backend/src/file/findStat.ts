import { type Stats, statSync } from 'node:fs';

/** @returns undefined for a file that is not there or cannot be reached. */
export function findStat(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
