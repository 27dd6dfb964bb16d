import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { separateCores } from './cores.mjs';
import { fillMarkers } from './docsPage.mjs';
import { measureMemory } from './memory.mjs';
import { drawPlot } from './plot.mjs';
import { amountColumns, renderTable, rowColumns, summarize, verdictColumns } from './report.mjs';
import { runBench } from './run.mjs';
import { runSoak } from './soak.mjs';
import { judgeTargets } from './targets.mjs';

const resultsFolder = fileURLToPath(new URL('results/', import.meta.url));
const docsFolder = fileURLToPath(new URL('../../docs/', import.meta.url));
const starts = 5;

/**
 * A table of the report.
 *
 * @typedef {object} Section
 * @property {string} title
 * @property {string} marker Where it goes in docs/performance.md.
 * @property {{ title: string, value(row: any): string, left?: boolean }[]} columns
 * @property {any[]} rows
 */

/**
 * Measures what the options say, prints it, and keeps it.
 *
 * @param {ReturnType<typeof import('./options.mjs').readBenchOptions>} options
 * @returns The exit code.
 */
export async function main(options) {
  // Whoever stops it half-way leaves nothing behind: each server has a listener for that.
  process.setMaxListeners(100);
  process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143));
  const core = options.memory ? undefined : separateCores();
  const startedAt = new Date().toISOString();
  const machine = describeMachine(core);
  console.log(`${machine}\n`);

  const report = await chooseKind(options)({ options, core, onProgress: line => console.error(line) });
  const { figures, sections, svg, verdicts } = report;

  for (const { title, columns, rows } of sections) {
    console.log(`\n${title}\n\n${renderTable(columns, rows)}`);
  }
  console.log(
    `\nKept in ${keepResults({ startedAt, figures: { startedAt, machine, ...figures }, svg }).join(' and ')}`,
  );
  if (options.writeDocs) {
    writeDocs({ sections, svg, note: `${startedAt.slice(0, 10)}. ${machine}.` });
    console.log(`Written to ${join(docsFolder, 'performance.md')}`);
  }
  return verdicts.some(({ met }) => met === false) ? 1 : 0;
}

function chooseKind({ memory, soakMinutes }) {
  if (memory) {
    return reportMemory;
  }
  return soakMinutes === undefined ? reportSpeed : reportSoak;
}

async function reportSpeed({ options, core, onProgress }) {
  const { groups, rounds, seconds, warmUpSeconds } = options;
  const samples = await runBench({ groups, rounds, seconds, warmUpSeconds, core, onProgress });
  const rows = summarize(samples);
  const verdicts = judgeTargets(samples);
  return {
    figures: { rounds, seconds, warmUpSeconds, rows, verdicts, samples },
    svg: drawPlot(rows),
    verdicts,
    sections: [
      ...groups.map(({ id, title }) => ({
        title,
        marker: 'speed',
        columns: rowColumns,
        rows: rows.filter(({ group }) => group === id),
      })),
      { title: 'Targets', marker: 'targets', columns: verdictColumns, rows: verdicts },
    ],
  };
}

async function reportMemory({ onProgress }) {
  const verdicts = await measureMemory({ starts, onProgress });
  return {
    figures: { verdicts },
    verdicts,
    sections: [{ title: 'Start and memory', marker: 'memory', columns: amountColumns, rows: verdicts }],
  };
}

async function reportSoak({ options, core, onProgress }) {
  const { samples, counts, errors, verdicts } = await runSoak({ minutes: options.soakMinutes, core, onProgress });
  const done = Object.entries(counts).map(([title, value]) => ({ title: `done: ${title}`, value, unit: '' }));
  return {
    figures: { minutes: options.soakMinutes, counts, errors, verdicts, samples },
    verdicts,
    sections: [
      {
        title: `Mixed load for ${options.soakMinutes} minutes`,
        marker: 'soak',
        columns: amountColumns,
        rows: [...verdicts, ...done],
      },
    ],
  };
}

function describeMachine(core) {
  const cores = `${cpus().length} cores of ${cpus()[0]?.model ?? 'an unknown kind'}`;
  const pinned = core === undefined ? 'processes not pinned to cores' : 'servers and load on a core each';
  return `Node ${process.versions.node}, ${cores}, ${pinned}`;
}

/** @returns The files. */
function keepResults({ startedAt, figures, svg }) {
  mkdirSync(resultsFolder, { recursive: true });
  const base = join(resultsFolder, startedAt.replaceAll(':', '-'));
  const files = [
    [`${base}.json`, `${JSON.stringify(figures, null, 2)}\n`],
    [`${base}.svg`, svg],
  ].filter(([, content]) => content !== undefined);
  for (const [file, content] of files) {
    writeFileSync(file, content);
  }
  return files.map(([file]) => file);
}

function writeDocs({ sections, svg, note }) {
  const file = join(docsFolder, 'performance.md');
  let page = readFileSync(file, 'utf8');
  for (const marker of new Set(sections.map(section => section.marker))) {
    const own = sections.filter(section => section.marker === marker);
    const tables = own.map(({ title, columns, rows }) => {
      const heading = own.length > 1 ? `### ${title}\n\n` : '';
      return `${heading}${renderTable(columns, rows, 'markdown')}`;
    });
    page = fillMarkers(page, marker, [note, ...tables].join('\n\n'));
  }
  writeFileSync(file, page);
  if (svg !== undefined) {
    writeFileSync(join(docsFolder, 'images/performance.svg'), svg);
  }
}
