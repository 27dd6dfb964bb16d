import { join } from 'node:path';
import { NotFoundError } from '@backstage/errors';
import { ChainWalk } from '../record/ChainWalk.js';
import { type ChainHead, readLine } from '../record/chain.js';
import { headFileName, listTrailFiles, readHead, readKeptFrom, readLines, type TrailFile } from './trailFiles.js';

/** The first place where a trail is not as it was written. */
export interface TrailProblem {
  readonly kind: 'changed' | 'removed' | 'reordered' | 'cut';
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

/** What became of a trail in a folder. */
export interface TrailVerification {
  readonly ok: boolean;
  readonly files: number;
  /** How many were looked at, up to the problem. */
  readonly records: number;
  /** The last record that is in order. Noted elsewhere, it shows later that nothing up to it was exchanged. */
  readonly last: { readonly seq: number; readonly hash: string } | undefined;
  /** The last line was not written in full, because the process ended; the next start removes it. */
  readonly hasTornLine: boolean;
  readonly problem: TrailProblem | undefined;
}

interface Line {
  readonly file: string;
  readonly number: number;
  readonly text: string;
}

/**
 * Reads the whole trail of a folder, also while it is written; not those of further writers in there.
 *
 * @param options.knownHead - `last` of an earlier verification, kept where the folder's owner has no access.
 * @throws NotFoundError if there is no trail in the folder.
 */
export async function verifyTrail(
  directory: string,
  options: { knownHead?: { seq: number; hash: string } } = {},
): Promise<TrailVerification> {
  // Before the files: what is written meanwhile comes after it.
  const head = await readHead(directory);
  const files = await listTrailFiles(directory);
  if (files.length === 0 && !head?.seq) {
    throw new NotFoundError(`There is no audit trail in ${directory}`);
  }
  const known = options.knownHead;
  const walk = new ChainWalk({
    keptFrom: await readKeptFrom(directory, files),
    anchors: head ? [head, ...(known ? [{ chain: head.chain, ...known }] : [])] : [],
  });
  const { problem, hasTornLine } = await findProblem({ directory, files, walk, head });
  const { last, records } = walk;
  return {
    ok: !problem,
    files: files.length,
    records,
    last: last && { seq: last.seq, hash: last.hash },
    hasTornLine,
    problem,
  };
}

async function findProblem(options: {
  directory: string;
  files: readonly TrailFile[];
  walk: ChainWalk;
  head: ChainHead | undefined;
}): Promise<{ problem: TrailProblem | undefined; hasTornLine: boolean }> {
  const { directory, files, walk, head } = options;
  const lines = readAll(directory, files);
  let before: Line | undefined;
  let hasTornLine = false;
  for await (const line of lines) {
    if (!line.isComplete && line.file === files.at(-1)?.name) {
      hasTornLine = true;
      break;
    }
    const record = readLine(line.text);
    if (!record || !line.isComplete) {
      return {
        problem: { kind: 'changed', file: line.file, line: line.number, message: 'not as it was written' },
        hasTornLine,
      };
    }
    const missing = (walk.last?.seq ?? 0) + 1;
    const found = walk.next(record);
    if (found) {
      const isLater = found.kind === 'removed' && walk.last && (await contains(lines, missing));
      const { file, number } = (found.at === 'before' && before) || line;
      const problem = isLater
        ? { kind: 'reordered' as const, message: `record ${record.seq} stands before record ${missing}` }
        : { kind: found.kind, message: found.message };
      return { problem: { ...problem, file, line: number }, hasTornLine };
    }
    before = line;
  }
  const message = walk.findCut();
  if (message) {
    const place = before ? { file: before.file, line: before.number + 1 } : { file: nameOfFirst(files), line: 1 };
    return { problem: { kind: 'cut', ...place, message }, hasTornLine };
  }
  if (!head) {
    const message = 'missing or changed, so that it cannot be told whether the end of the trail was cut off';
    return { problem: { kind: 'removed', file: headFileName, line: 1, message }, hasTornLine };
  }
  return { problem: undefined, hasTornLine };
}

const nameOfFirst = (files: readonly TrailFile[]): string => files[0]?.name ?? 'all files';

async function* readAll(directory: string, files: readonly TrailFile[]) {
  for (const { name } of files) {
    for await (const line of readLines(join(directory, name))) {
      yield { file: name, ...line };
    }
  }
}

async function contains(lines: AsyncIterable<Line>, seq: number): Promise<boolean> {
  for await (const { text } of lines) {
    if (readLine(text)?.seq === seq) {
      return true;
    }
  }
  return false;
}
