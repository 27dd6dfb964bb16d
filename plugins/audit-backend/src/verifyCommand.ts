import { parseArgs } from 'node:util';
import { verifyWriters, type WriterVerification } from './file/verifyWriters.js';

// Run as `node dist/verifyCommand.js <folder> [--head <number>:<hash>]…`; ends with 0 if all is as it was written.
const usage =
  'Usage: verifyCommand.js <folder> [--head [writer-<n>:]<number>:<hash of an earlier verification>]…, one per writer';

try {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { head: { type: 'string', multiple: true, default: [] } },
  });
  const [folder] = positionals;
  const heads = values.head.map(readKnownHead);
  const knownHeads = new Map(heads);
  if (folder === undefined || positionals.length > 1 || knownHeads.size < heads.length) {
    throw new Error(usage);
  }
  const results = await verifyWriters(folder, { knownHeads });
  for (const result of results) {
    print(result);
  }
  process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function readKnownHead(text: string): [writer: string, head: { seq: number; hash: string }] {
  const [, writer = '', seq, hash] = text.match(/^(?:(writer-[1-9]\d*):)?(\d+):([0-9a-f]{64})$/) ?? [];
  if (hash === undefined) {
    throw new Error(usage);
  }
  return [writer, { seq: Number(seq), hash }];
}

function print({ writer, files, records, last, hasTornLine, problem }: WriterVerification): void {
  const beginning = writer && `${writer}: `;
  if (hasTornLine) {
    console.log(
      `${beginning}The last line was not written in full, because the process ended; the next start removes it.`,
    );
  }
  if (problem) {
    console.log(`${writer && `${writer}/`}${problem.file}, line ${problem.line}: ${problem.kind}: ${problem.message}`);
  } else if (!last) {
    console.log(`${beginning}In order: no records`);
  } else {
    const head = `${writer && `${writer}:`}${last.seq}:${last.hash}`;
    console.log(`${beginning}In order: ${records} records in ${files} files, the last is ${head}`);
  }
}
