import { createRequire } from 'node:module';
import type Table from 'cli-table3';
import type { Surroundings } from '../Surroundings.js';
import { visibleText } from './visibleText.js';

const require = createRequire(import.meta.url);

const styles = { bold: ['\u001b[1m', '\u001b[22m'], dim: ['\u001b[2m', '\u001b[22m'] } as const;
const noBorders = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Results go to stdout, everything that is said beside them to stderr. */
export class Output {
  readonly #surroundings: Surroundings;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  get isTerminal(): boolean {
    return this.#surroundings.stdout.isTTY === true;
  }

  print(text: string): void {
    this.#surroundings.stdout.write(`${text}\n`);
  }

  printJson(value: unknown): void {
    this.print(visibleText(JSON.stringify(value, undefined, 2)));
  }

  note(text: string): void {
    this.#surroundings.stderr.write(`${text}\n`);
  }

  style(style: keyof typeof styles, text: string): string {
    const [on, off] = styles[style];
    return this.#hasColors() ? `${on}${text}${off}` : text;
  }

  /** Rows under each other; the last column is wrapped to fit the terminal. Cells have to be visible text. */
  printTable(head: string[] | undefined, rows: string[][]): void {
    const width = rows[0]?.length ?? head?.length ?? 0;
    const widths = Array.from({ length: width }, (_, column) =>
      Math.max(...[...(head ? [head] : []), ...rows].map(row => longestLine(row[column] ?? ''))),
    );
    const taken = widths.slice(0, -1).reduce((sum, columnWidth) => sum + columnWidth + 2, 0);
    const columns = this.#surroundings.stdout.columns;
    const room = this.isTerminal && columns ? Math.max(20, columns - taken - 1) : undefined;
    // Loaded with the first table: many commands print none.
    const NewTable: typeof Table = require('cli-table3');
    const table = new NewTable({
      chars: noBorders,
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
      ...(room && { colWidths: [...Array(width - 1).fill(null), room], wordWrap: true }),
    });
    table.push(...(head ? [head.map(cell => this.style('bold', cell))] : []), ...rows);
    this.print(
      table
        .toString()
        .split('\n')
        .map(line => line.trimEnd())
        .join('\n'),
    );
  }

  /** https://no-color.org */
  #hasColors(): boolean {
    const { env } = this.#surroundings;
    return this.isTerminal && !env.NO_COLOR && env.TERM !== 'dumb';
  }
}

function longestLine(text: string): number {
  return Math.max(...text.split('\n').map(line => line.length));
}
