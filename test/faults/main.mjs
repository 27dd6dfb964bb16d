import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fillMarkers } from '../bench/docsPage.mjs';
import { renderTable } from '../bench/report.mjs';
import { OwnPostgres } from './deployment/OwnPostgres.mjs';
import { inFlightId, runInFlight } from './inFlight/runInFlight.mjs';
import { findProblems, inFlightColumns, rateColumns, scenarioColumns } from './report.mjs';
import { runScenario } from './runScenario.mjs';
import { scenarios } from './scenarios/scenarios.mjs';
import { findRate } from './sustained/findRate.mjs';
import { holdRate } from './sustained/holdRate.mjs';

const resultsFolder = fileURLToPath(new URL('results/', import.meta.url));
const docsFile = fileURLToPath(new URL('../../docs/faults.md', import.meta.url));
const shownProblems = 30;

/**
 * Breaks what the options say, prints the account, and keeps it.
 *
 * @param {ReturnType<typeof import('./options.mjs').readFaultsOptions>} options
 * @returns The exit code.
 */
export async function main(options) {
  const startedAt = new Date().toISOString();
  const machine = `Node ${process.versions.node}, ${availableParallelism()} cores of ${cpus()[0]?.model ?? 'an unknown kind'}`;
  console.log(machine);
  const postgres = await OwnPostgres.start();
  const leave = status => () => process.exit(status);
  process.once('SIGINT', leave(130)).once('SIGTERM', leave(143));
  process.once('exit', () => postgres.remove());

  const figures = await choose(options)(options, postgres);
  const sections = toSections(figures);
  for (const { title, columns, rows } of sections) {
    console.log(`\n${title}\n\n${renderTable(columns, rows)}`);
  }
  const problems = findProblems(figures);
  for (const problem of problems.slice(0, shownProblems)) {
    console.log(problem);
  }
  mkdirSync(resultsFolder, { recursive: true });
  const file = join(resultsFolder, `${startedAt.replaceAll(':', '-')}.json`);
  writeFileSync(file, `${JSON.stringify({ startedAt, machine, options, problems, ...figures }, null, 2)}\n`);
  console.log(`\nKept in ${file}`);
  if (options.writeDocs) {
    writeDocs({ sections, note: `${startedAt.slice(0, 10)}. ${machine}. ${describeLoad(options)}` });
    console.log(`Written to ${docsFile}`);
  }
  return problems.length === 0 ? 0 : 1;
}

function choose({ minutes, findRate: isSearch }) {
  if (isSearch) {
    return searchRate;
  }
  return minutes === undefined ? breakThings : hold;
}

async function breakThings({ ids, rate, seconds, mix }, postgres) {
  const rows = [];
  for (const scenario of scenarios.filter(({ id }) => ids.includes(id))) {
    console.log(`\n${scenario.id}: ${scenario.title}`);
    rows.push(await orCrash(scenario, () => runScenario({ scenario, postgres, rate, seconds, mix, tell })));
  }
  if (!ids.includes(inFlightId)) {
    return { scenarios: rows };
  }
  console.log('\ncalls in flight');
  return { scenarios: rows, inFlight: await runInFlight({ postgres, tell }) };
}

/** One that cannot be run to its end is a problem of its own, and the others are run all the same. */
async function orCrash({ id, title }, run) {
  try {
    return await run();
  } catch (error) {
    tell(`failed: ${error.stack}`);
    return { id, title, crash: String(error.message) };
  }
}

async function hold({ minutes, rate, mix }, postgres) {
  return { rates: [await holdRate({ postgres, rate, seconds: minutes * 60, mix, tell })] };
}

async function searchRate({ mix }, postgres) {
  const { tried, rate } = await findRate({ postgres, mix, tell });
  return { tried, rates: tried.filter(each => each.rate === rate) };
}

function tell(line) {
  console.log(`  ${line}`);
}

function toSections({ scenarios: rows = [], inFlight, rates, tried }) {
  return [
    ...(rows.length > 0 ? [{ title: 'Scenarios', marker: 'scenarios', columns: scenarioColumns, rows }] : []),
    ...(inFlight
      ? [{ title: 'Calls in flight', marker: 'in-flight', columns: inFlightColumns, rows: inFlight.rows }]
      : []),
    ...(tried ? [{ title: 'Rates', marker: 'rates', columns: rateColumns, rows: byRate(tried) }] : []),
    ...(rates && !tried ? [{ title: 'Load held', marker: 'held', columns: rateColumns, rows: rates }] : []),
  ];
}

function byRate(tried) {
  return [...tried].sort((one, other) => one.rate - other.rate);
}

function describeLoad({ minutes, findRate: isSearch, rate, seconds, mix }) {
  const load = minutes === undefined && !isSearch ? `${rate} calls a second, ${seconds} seconds each. ` : '';
  return `${load}${mix ? `Mix: ${JSON.stringify(mix)}. ` : ''}`.trim();
}

function writeDocs({ sections, note }) {
  let page = readFileSync(docsFile, 'utf8');
  for (const { marker, columns, rows } of sections) {
    page = fillMarkers(page, marker, `${note}\n\n${renderTable(columns, rows, 'markdown')}`);
  }
  writeFileSync(docsFile, page);
}
