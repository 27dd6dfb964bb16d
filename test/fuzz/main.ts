import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFinding, writeFinding } from './engine/Finding.js';
import { fuzz } from './engine/fuzz.js';
import { help, readOptions, UsageError } from './engine/options.js';
import { grouped, renderTable } from './engine/report.js';
import { checkInTime, type TargetRun } from './engine/runTarget.js';
import { targets } from './targets.js';

const foundFolder = fileURLToPath(new URL('./found/', import.meta.url));
const PROGRESS_EVERY_MS = 10_000;

async function main(): Promise<number> {
  const options = readOptions(
    process.argv.slice(2),
    targets.map(({ name }) => name),
  );
  if (!options) {
    const width = Math.max(...targets.map(({ name }) => name.length));
    console.log(help(targets.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`).join('\n')));
    return 0;
  }
  if (options.replay !== undefined) {
    return replay(options.replay);
  }
  const chosen = targets.filter(({ name }) => options.targets.length === 0 || options.targets.includes(name));
  console.log(`Seed ${options.seed}, ${grouped(options.cases)} cases, Node ${process.version}\n`);
  let saidAtMs = performance.now();
  const runs = await fuzz(chosen, {
    ...options,
    onProgress(target, { cases, count, failures, seconds }) {
      if (performance.now() - saidAtMs > PROGRESS_EVERY_MS) {
        saidAtMs = performance.now();
        console.log(
          `  ${target}: ${grouped(cases)} of ${grouped(count)}, ${grouped(Math.round(cases / seconds))}/s, ${failures} failures`,
        );
      }
    },
    onTarget: showFindings,
  });
  console.log(`\n${renderTable(runs)}`);
  return runs.some(run => run.failures > 0) ? 1 : 0;
}

function showFindings({ target, cases, findings, seconds }: TargetRun): void {
  console.log(
    `${target}: ${grouped(cases)} cases in ${seconds.toFixed(0)} s, ${findings.length === 0 ? 'nothing found' : 'found:'}`,
  );
  for (const finding of findings) {
    const { seed, path, message, given } = finding;
    console.error(`\n${message}\n  seed ${seed}${path && `, path ${path}`}\n  case ${JSON.stringify(given)}`);
    if (given !== null) {
      console.error(`  npm run fuzz -- --replay ${writeFinding(foundFolder, finding)}\n`);
    }
  }
}

async function replay(file: string): Promise<number> {
  const finding = readFinding(resolve(file));
  const target = targets.find(({ name }) => name === finding.target);
  if (!target) {
    throw new UsageError(`${file}: there is no target ${finding.target}`);
  }
  const opened = await target.open();
  try {
    await checkInTime(opened, finding.given as never);
    await opened.settle?.();
    console.log('It does not fail any more.');
    return 0;
  } catch (error) {
    console.error(error);
    return 1;
  } finally {
    await opened.close();
  }
}

let status: number;
try {
  status = await main();
} catch (error) {
  const isUsage =
    error instanceof UsageError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
  console.error(isUsage ? `${(error as Error).message}\nTry --help.` : error);
  status = 2;
}
// Database pools of Backstage keep the process up for a while.
process.exit(status);
