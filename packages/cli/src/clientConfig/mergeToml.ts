import { isDeepStrictEqual } from 'node:util';
import { parse, stringify, TomlError } from 'smol-toml';
import { UsageError } from '../errors.js';
import type { Merge } from './Merge.js';

type Table = Record<string, unknown>;

/**
 * Puts a server into a TOML file and leaves the rest of the text as it is. Only tables with a header
 * of their own are changed; what is written in other ways is left to its owner.
 */
export function mergeToml({ text, file, path: [serversKey, name], entry, ownFields }: Merge): string {
  const before = parseToml(text, file);
  const servers = before[serversKey] as Table | undefined;
  if (servers !== undefined && (typeof servers !== 'object' || servers === null || Array.isArray(servers))) {
    throw new UsageError(`${file}: expected a table under ${serversKey}; nothing was changed`);
  }
  const present = servers?.[name] as Table | undefined;
  const kept = Object.entries(present ?? {}).filter(([key]) => !ownFields.includes(key));
  const wanted = { ...entry, ...Object.fromEntries(kept) };
  if (present !== undefined && isDeepStrictEqual(toPlain(present), toPlain(wanted))) {
    return text;
  }

  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = text === '' ? [] : text.split(/\r?\n/);
  const header = `[${serversKey}.${quoteKey(name)}]`;
  const ownLines = stringify(entry).trimEnd().split('\n');
  // Tables inside the entry would begin a table of their own at the root.
  const fields = ownLines.some(line => line.startsWith('[')) ? inlineFields(entry) : ownLines;
  const sections = splitSections(lines);
  const section = sections.find(({ path }) => isDeepStrictEqual(path, [serversKey, name]));
  if (section) {
    section.lines = [...section.lines.slice(0, 1), ...fields, ...withoutFields(section.lines.slice(1), ownFields)];
  } else {
    const last = sections.at(-1);
    if (last) {
      last.lines = trimEnd(last.lines);
    }
    const isFirst = sections.every(({ lines: own }) => own.length === 0);
    sections.push({ path: [serversKey, name], lines: [...(isFirst ? [] : ['']), header, ...fields, ''] });
  }
  const changed = sections
    .filter(({ path }) => {
      const [key, server, field] = path ?? [];
      return !(key === serversKey && server === name && field !== undefined && ownFields.includes(field));
    })
    .flatMap(({ lines: own }) => own)
    .join(eol);

  const expected = { ...before, [serversKey]: { ...servers, [name]: wanted } };
  if (!isDeepStrictEqual(toPlain(parseOrUndefined(changed)), toPlain(expected))) {
    throw new UsageError(
      `${file}: ${serversKey} is not written as tables with headers such as ${header}, so the server has to be put in by hand; nothing was changed`,
    );
  }
  return changed;
}

interface Section {
  /** `undefined` before the first header, and for arrays of tables. */
  path: string[] | undefined;
  lines: string[];
}

/** By headers of tables. A line inside a text that looks like one is found out by the comparison at the end. */
function splitSections(lines: readonly string[]): Section[] {
  const sections: Section[] = [{ path: undefined, lines: [] }];
  for (const line of lines) {
    if (/^\s*\[/.test(line)) {
      const path = readHeader(line);
      if (path !== 'none') {
        sections.push({ path, lines: [] });
      }
    }
    sections.at(-1)?.lines.push(line);
  }
  return sections;
}

function readHeader(line: string): string[] | undefined | 'none' {
  const parsed = parseOrUndefined(line);
  if (parsed === undefined) {
    return 'none';
  }
  const path: string[] = [];
  for (let table: unknown = parsed; ; ) {
    const [key] = Object.keys(table as Table);
    if (key === undefined) {
      return path;
    }
    path.push(key);
    table = (table as Table)[key];
    if (Array.isArray(table)) {
      return undefined;
    }
  }
}

/** Leaves out the statements that set certain fields; a statement may go over several lines. */
function withoutFields(lines: readonly string[], fields: readonly string[]): string[] {
  const left: string[] = [];
  for (let start = 0; start < lines.length; ) {
    const [first = ''] = lines.slice(start);
    const isStatement = first.trim() !== '' && !first.trimStart().startsWith('#');
    let end = start + 1;
    while (isStatement && end < lines.length && parseOrUndefined(lines.slice(start, end).join('\n')) === undefined) {
      end += 1;
    }
    const set = isStatement ? Object.keys(parseOrUndefined(lines.slice(start, end).join('\n')) ?? {}) : [];
    if (!set.some(key => fields.includes(key))) {
      left.push(...lines.slice(start, end));
    }
    start = end;
  }
  return left;
}

function inlineFields(entry: Readonly<Table>): string[] {
  return Object.entries(entry).map(([key, value]) => `${quoteKey(key)} = ${inline(value)}`);
}

function inline(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(inline).join(', ')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    return `{ ${Object.entries(value)
      .map(([key, field]) => `${quoteKey(key)} = ${inline(field)}`)
      .join(', ')} }`;
  }
  return stringify({ x: value }).trim().replace(/^x = /, '');
}

function quoteKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
}

function trimEnd(lines: readonly string[]): string[] {
  const end = lines.findLastIndex(line => line.trim() !== '');
  return lines.slice(0, end + 1);
}

function parseToml(text: string, file: string): Table {
  try {
    return parse(text) as Table;
  } catch (error) {
    if (error instanceof TomlError) {
      const [reason] = error.message.replace(/^Invalid TOML document: /, '').split('\n');
      throw new UsageError(`${file}:${error.line}:${error.column}: this is not TOML (${reason}); nothing was changed`);
    }
    throw error;
  }
}

function parseOrUndefined(text: string): Table | undefined {
  try {
    return parse(text) as Table;
  } catch {
    // What was asked is whether it can be parsed.
    return undefined;
  }
}

/** The parser's tables have no prototype, and its dates one of their own. */
function toPlain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
