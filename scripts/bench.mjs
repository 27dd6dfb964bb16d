import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { separateCores } from '../test/bench/cores.mjs';
import { goal, judge, renderTable, summarize } from '../test/bench/report.mjs';
import { runBench } from '../test/bench/run.mjs';
import { servers as allServers } from '../test/bench/servers.mjs';

const help = `Measures tools/call and tools/list of Callboard next to upstream's MCP plugin, in one run on this machine.

Usage: npm run bench -- [options]

  --quick            ${goal.count} actions only, short rounds
  --actions <list>   numbers of actions, default 1,10,${goal.count}
  --sources <n>      how many plugins register them, default 1
  --servers <list>   of ${allServers.map(server => server.id).join(', ')}; all by default
  --rounds <n>       measurements of each server, medians count, default 3
  --seconds <n>      length of a measurement, 1 to 60, default 4 (1 with --quick)
  --help

Each server runs in a process of its own with the same actions, token and request (16 connections that are kept open,
protocol 2025-06-18, no session). All of them are up at once and are asked in turn. Where the system has taskset, servers
share one core and the load has another. Server logs go to /dev/null. CPU time is the server process's own, so it says
more than req/s on a machine that is busy with other things. "times" is how many times better than ${allServers[0].id}.

The samples are written to test/bench/results. Build first: what is measured is dist.

Exit code: 0 if Callboard answered at least ${goal.ratio} times as many requests per second as ${allServers[0].id} with ${goal.count} actions, for
tools/call and tools/list, or if that was not measured; 1 if not; 2 if it could not be measured.`;

const resultsFolder = fileURLToPath(new URL('../test/bench/results/', import.meta.url));
const [{ id: baseline }] = allServers;

class UsageError extends Error {}

function readOptions(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      quick: { type: 'boolean', default: false },
      actions: { type: 'string' },
      sources: { type: 'string', default: '1' },
      servers: { type: 'string', default: allServers.map(server => server.id).join(',') },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick, help: helpWanted } = values;
  const serverIds = values.servers.split(',');
  const unknown = serverIds.filter(id => !allServers.some(server => server.id === id));
  if (unknown.length > 0) {
    throw new UsageError(
      `--servers: expected ${allServers.map(server => server.id).join(', ')}, got ${unknown.join(', ')}`,
    );
  }
  const counts = (values.actions ?? (quick ? `${goal.count}` : `1,10,${goal.count}`)).split(',');
  return {
    helpWanted,
    servers: allServers.filter(server => serverIds.includes(server.id)),
    counts: counts.map(count => readNumber('--actions', count, 1, 2_000)),
    sources: readNumber('--sources', values.sources, 1, 50),
    rounds: readNumber('--rounds', values.rounds, 1, 20),
    seconds: readNumber('--seconds', values.seconds ?? (quick ? '1' : '4'), 1, 60),
    warmUpSeconds: quick ? 1 : 2,
  };
}

function readNumber(name, text, least, most) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < least || number > most) {
    throw new UsageError(`${name}: expected whole numbers from ${least} to ${most}, got ${text}`);
  }
  return number;
}

async function main() {
  const { helpWanted, ...options } = readOptions(process.argv.slice(2));
  if (helpWanted) {
    console.log(help);
    return 0;
  }
  const cores = availableParallelism();
  const core = separateCores();
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores, pinned: core !== undefined };
  console.log(
    `Node ${machine.node}, ${machine.cpu}, ${machine.pinned ? 'servers and load on a core each' : 'processes are not pinned to cores'}\n`,
  );

  const startedAt = new Date().toISOString();
  const samples = await runBench({ ...options, core, onProgress: line => console.error(line) });
  const rows = summarize(samples, baseline);
  const verdict = judge(rows, baseline);

  console.log(`\n${renderTable(rows)}\n`);
  console.log(verdict.met === undefined ? `Nothing to compare with ${goal.count} actions.` : verdict.lines.join('\n'));

  mkdirSync(resultsFolder, { recursive: true });
  const resultsFile = join(resultsFolder, `${startedAt.replaceAll(':', '-')}.json`);
  writeFileSync(resultsFile, `${JSON.stringify({ startedAt, machine, options, rows, samples }, null, 2)}\n`);
  console.log(`\nSamples: ${resultsFile}`);
  return verdict.met === false ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const isUsage = error instanceof UsageError || String(error?.code).startsWith('ERR_PARSE_ARGS');
  console.error(isUsage ? `${error.message}\nTry --help.` : error);
  process.exitCode = 2;
}
