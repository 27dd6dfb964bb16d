import { join } from 'node:path';
import { NotFoundError } from '@backstage/errors';
import { readHead } from './trailFiles.js';
import { type TrailVerification, verifyTrail } from './verifyTrail.js';
import { listWriters, nameOfWriter } from './writerFolders.js';

/** What became of the trail of one of the processes that write to a folder at once. */
export interface WriterVerification extends TrailVerification {
  /** The name of its folder, such as `writer-2`; empty for the first, whose files are not in one. */
  readonly writer: string;
}

/**
 * Reads the trails of all writers of a folder, also while they are written.
 *
 * @param options.knownHeads - `last` of earlier verifications, by writer.
 * @throws NotFoundError if there is no trail in the folder.
 */
export async function verifyWriters(
  directory: string,
  options: { knownHeads?: ReadonlyMap<string, { seq: number; hash: string }> } = {},
): Promise<WriterVerification[]> {
  const { knownHeads = new Map() } = options;
  const found = (await listWriters(directory)).map(nameOfWriter);
  // A folder is only made while all before it are in use.
  const last = found.at(-1) === '' ? 1 : Number(found.at(-1)?.slice('writer-'.length));
  const expected = Array.from({ length: last }, (_, at) => nameOfWriter(at + 1));
  const results: WriterVerification[] = [];
  for (const writer of new Set([...expected, ...knownHeads.keys()])) {
    const knownHead = knownHeads.get(writer);
    results.push({
      ...(found.includes(writer) ? await verify(directory, { writer, knownHead, isAlone: last === 1 }) : missing),
      writer,
    });
  }
  return results;
}

const nothing: TrailVerification = {
  ok: true,
  files: 0,
  records: 0,
  last: undefined,
  hasTornLine: false,
  problem: undefined,
};

const missing: TrailVerification = {
  ...nothing,
  ok: false,
  problem: { kind: 'removed', file: 'all files', line: 1, message: 'the trail of this writer is missing' },
};

async function verify(
  directory: string,
  options: { writer: string; knownHead: { seq: number; hash: string } | undefined; isAlone: boolean },
): Promise<TrailVerification> {
  const { writer, knownHead, isAlone } = options;
  const folder = join(directory, writer);
  try {
    return await verifyTrail(folder, knownHead ? { knownHead } : {});
  } catch (error) {
    if (!(error instanceof NotFoundError) || isAlone) {
      throw error;
    }
    // A process may have ended before its first record; the first one is the first to begin.
    const mayBeEmpty = !knownHead && (writer !== '' || (await readHead(folder)) !== undefined);
    return mayBeEmpty ? nothing : missing;
  }
}
