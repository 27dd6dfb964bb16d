import { completeCase, describeSpecials } from './cases.mjs';
import { median } from './median.mjs';

const measured = ['requestsPerSecond', 'p50Ms', 'p99Ms', 'cpuMicrosecondsPerRequest', 'residentBytes', 'answerBytes'];

/**
 * Turns rounds into one row per case.
 *
 * @param {any[]} samples As `runBench` returns them.
 * @returns {any[]} Rows with the median of each number; `ratio` and `cpuRatio` say how many times better than the first case of
 * the same request in its group.
 */
export function summarize(samples) {
  const cases = new Map();
  for (const sample of samples) {
    const key = JSON.stringify([sample.group, sample.index]);
    cases.set(key, [...(cases.get(key) ?? []), sample]);
  }
  const rows = [...cases.values()].map(rounds => ({
    ...pick(rounds[0], ['group', 'index', ...Object.keys(completeCase({ request: '', server: '' }))]),
    rounds: rounds.length,
    ...Object.fromEntries(measured.map(name => [name, median(rounds.map(round => round[name]))])),
  }));
  return rows.map(row => {
    const reference = rows.find(({ group, request }) => group === row.group && request === row.request);
    return {
      ...row,
      ratio: row.requestsPerSecond / reference.requestsPerSecond,
      cpuRatio: reference.cpuMicrosecondsPerRequest / row.cpuMicrosecondsPerRequest,
    };
  });
}

function pick(object, names) {
  return Object.fromEntries(names.map(name => [name, object[name]]));
}

/** For rows of `summarize`. */
export const rowColumns = [
  { title: 'request', value: row => row.request, left: true },
  { title: 'server', value: row => row.server, left: true },
  { title: 'actions', value: row => formatCount(row.actions) },
  { title: 'sources', value: row => String(row.sources) },
  { title: 'with', value: row => describeSpecials(row), left: true },
  { title: 'req/s', value: row => formatRate(row.requestsPerSecond) },
  { title: 'times', value: row => `${formatTimes(row.ratio)} x` },
  { title: 'p50 ms', value: row => formatMs(row.p50Ms) },
  { title: 'p99 ms', value: row => formatMs(row.p99Ms) },
  { title: 'CPU us/req', value: row => formatCount(Math.round(row.cpuMicrosecondsPerRequest)) },
  { title: 'times', value: row => `${formatTimes(row.cpuRatio)} x` },
  { title: 'answer KB', value: row => (row.answerBytes / 1024).toFixed(1) },
  { title: 'RSS MB', value: row => (row.residentBytes / 1024 / 1024).toFixed(0) },
];

/** For verdicts of `judgeTargets`. */
export const verdictColumns = [
  { title: 'target', value: verdict => verdict.title, left: true },
  { title: 'wanted', value: verdict => verdict.wanted, left: true },
  { title: 'got', value: verdict => `${formatTimes(verdict.value)} x` },
  { title: 'in CPU time', value: verdict => `${formatTimes(verdict.cpuRatio)} x` },
  { title: '', value: verdict => describeVerdict(verdict), left: true },
];

/** For what is no ratio: `{ title, value, unit, limit?, met? }`. */
export const amountColumns = [
  { title: 'what', value: amount => amount.title, left: true },
  { title: 'at most', value: amount => (amount.limit === undefined ? '' : formatAmount(amount.limit, amount.unit)) },
  { title: 'got', value: amount => formatAmount(amount.value, amount.unit) },
  { title: '', value: amount => describeVerdict(amount), left: true },
];

/**
 * @param {{ title: string, value(row: any): string, left?: boolean }[]} columns
 * @param {any[]} rows
 * @param {'text' | 'markdown'} [format]
 */
export function renderTable(columns, rows, format = 'text') {
  const cells = rows.map(row => columns.map(column => column.value(row)));
  return format === 'text' ? layOutText(columns, rows, cells) : layOutMarkdown(columns, cells);
}

function describeVerdict({ met }) {
  return met === undefined ? '' : met ? 'met' : 'MISSED';
}

/** Plain text, with a blank line between requests. */
function layOutText(columns, rows, cells) {
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...cells.map(line => line[index].length)),
  );
  const layOut = line =>
    line
      .map((cell, index) => (columns[index].left ? cell.padEnd(widths[index]) : cell.padStart(widths[index])))
      .join('  ')
      .trimEnd();
  const lines = [layOut(columns.map(column => column.title)), widths.map(width => '-'.repeat(width)).join('  ')];
  rows.forEach((row, index) => {
    const previous = rows[index - 1];
    if (previous && previous.request !== row.request) {
      lines.push('');
    }
    lines.push(layOut(cells[index]));
  });
  return lines.join('\n');
}

function layOutMarkdown(columns, cells) {
  const layOut = line => `| ${line.join(' | ')} |`;
  return [
    layOut(columns.map(column => column.title)),
    layOut(columns.map(column => (column.left ? '---' : '---:'))),
    ...cells.map(layOut),
  ].join('\n');
}

export function formatCount(number) {
  return number.toLocaleString('en-US');
}

export function formatRate(perSecond) {
  return perSecond < 100 ? perSecond.toFixed(1) : formatCount(Math.round(perSecond));
}

function formatTimes(ratio) {
  return ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(ratio < 100 ? 1 : 0);
}

function formatAmount(value, unit) {
  const number = Number.isInteger(value) ? formatCount(value) : value.toFixed(Math.abs(value) < 100 ? 1 : 0);
  return `${number} ${unit}`.trim();
}

// autocannon counts in whole milliseconds.
function formatMs(milliseconds) {
  return milliseconds < 1 ? '< 1' : milliseconds.toFixed(0);
}
