import { parseArgs } from 'node:util';
import { verifyTrail } from './file/verifyTrail.js';

// Run as `node dist/verifyCommand.js <folder> [--head <number>:<hash>]`; ends with 0 if the trail is as it was written.
const usage = 'Usage: verifyCommand.js <folder> [--head <number>:<hash of an earlier verification>]';

try {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { head: { type: 'string' } } });
  const [folder] = positionals;
  const head = values.head?.match(/^(\d+):([0-9a-f]{64})$/);
  if (folder === undefined || positionals.length > 1 || (values.head !== undefined && !head)) {
    throw new Error(usage);
  }
  const result = await verifyTrail(folder, head ? { knownHead: { seq: Number(head[1]), hash: String(head[2]) } } : {});
  const { ok, files, records, last, hasTornLine, problem } = result;
  if (hasTornLine) {
    console.log('The last line was not written in full, because the process ended; the next start removes it.');
  }
  if (problem) {
    console.log(`${problem.file}, line ${problem.line}: ${problem.kind}: ${problem.message}`);
  } else {
    console.log(`In order: ${records} records in ${files} files, the last is ${last?.seq}:${last?.hash}`);
  }
  process.exitCode = ok ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
