import type { TargetRun } from './runTarget.js';

const columns: { title: string; isNumber: boolean; cell: (run: TargetRun) => string }[] = [
  { title: 'Target', isNumber: false, cell: run => run.target },
  { title: 'Cases', isNumber: true, cell: run => grouped(run.cases) },
  { title: 'Failures', isNumber: true, cell: run => grouped(run.failures) },
  { title: 'Seconds', isNumber: true, cell: run => run.seconds.toFixed(0) },
  { title: 'Cases/s', isNumber: true, cell: run => grouped(Math.round(run.cases / Math.max(run.seconds, 0.001))) },
  { title: 'Heap, second half', isNumber: true, cell: run => megabytes(run.heapGrowthBytes) },
];

/** As a table of Markdown. */
export function renderTable(runs: readonly TargetRun[]): string {
  const sum = (of: (run: TargetRun) => number) => runs.reduce((total, run) => total + of(run), 0);
  const total: TargetRun = {
    target: 'All',
    about: '',
    cases: sum(run => run.cases),
    failures: sum(run => run.failures),
    findings: [],
    seconds: sum(run => run.seconds),
    heapGrowthBytes: undefined,
  };
  const rows = [
    columns.map(({ title }) => title),
    ...[...runs, total].map(run => columns.map(({ cell }) => cell(run))),
  ];
  const widths = columns.map((_column, index) => Math.max(...rows.map(row => (row[index] as string).length)));
  const lines = rows.map(
    row =>
      `| ${row.map((cell, index) => (columns[index]?.isNumber ? cell.padStart(widths[index] as number) : cell.padEnd(widths[index] as number))).join(' | ')} |`,
  );
  const rule = `|${columns.map(({ isNumber }, index) => `${'-'.repeat((widths[index] as number) + (isNumber ? 1 : 2))}${isNumber ? ':' : ''}`).join('|')}|`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

export const grouped = (number: number): string => number.toLocaleString('en-US');

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? '' : `${bytes < 0 ? '-' : '+'}${(Math.abs(bytes) / 1_048_576).toFixed(1)} MB`;
}
