import type { JsonValue } from '@backstage/types';
import type { TextView } from '@callboard/actions-api';
import * as z from 'zod';

const title = z.string().optional();
const viewSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('table'),
    columns: z.array(z.union([z.string(), z.object({ key: z.string(), title: z.string() })])).min(1),
    rows: z.array(z.record(z.string(), z.unknown())),
    title,
  }),
  z.object({ kind: z.literal('keyValue'), entries: z.record(z.string(), z.unknown()), title }),
  z.object({ kind: z.literal('markdown'), text: z.string() }),
]);

/**
 * Writes a text view as Markdown: a table, a list of keys and values, or the text as it is.
 *
 * @throws Error if it is no text view.
 */
export function renderText(given: TextView): string {
  const { success, error } = viewSchema.safeParse(given);
  if (!success) {
    throw new Error(
      `expected a table, keyValue or markdown: ${z.prettifyError(error).split('\n').slice(0, 4).join(' ')}`,
    );
  }
  switch (given.kind) {
    case 'table':
      return titled(given.title, renderTable(given));
    case 'keyValue':
      return titled(
        given.title,
        Object.entries(given.entries).map(([key, value]) => `- **${oneLine(key)}**: ${oneLine(toText(value))}`),
      );
    case 'markdown':
      return given.text;
  }
}

function renderTable({ columns, rows }: Extract<TextView, { kind: 'table' }>): string[] {
  const keyed = columns.map(column => (typeof column === 'string' ? { key: column, title: column } : column));
  const line = (cells: string[]) => `| ${cells.map(escapeCell).join(' | ')} |`;
  return [
    line(keyed.map(column => column.title)),
    `|${' --- |'.repeat(keyed.length)}`,
    ...rows.map(row => line(keyed.map(({ key }) => toText(Object.hasOwn(row, key) ? row[key] : undefined)))),
  ];
}

function titled(text: string | undefined, lines: string[]): string {
  return [...(text === undefined ? [] : [text, '']), ...lines].join('\n');
}

function toText(value: JsonValue | undefined): string {
  if (value === undefined || value === null) {
    return '';
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A backslash before a pipe would free it again. */
function escapeCell(text: string): string {
  return oneLine(text.replace(/[\\|]/g, '\\$&'));
}

function oneLine(text: string): string {
  return text.replace(/\r\n|[\n\r\u2028\u2029]/g, '<br>');
}
