import { isDeepStrictEqual } from 'node:util';
import {
  applyEdits,
  createScanner,
  findNodeAtLocation,
  modify,
  type Node,
  type ParseError,
  parse,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { UsageError } from '../errors.js';
import { type Merge, placeOf } from './Merge.js';

/**
 * Puts a server into a JSON file and leaves the rest of the text as it is.
 *
 * @param merge.hasComments - whether the client allows comments and commas at the end.
 */
export function mergeJson({
  text,
  file,
  path,
  entry,
  ownFields,
  hasComments,
}: Merge & { hasComments: boolean }): string {
  const content = text.replace(/^\ufeff/, '');
  if (content.trim() === '') {
    return `${JSON.stringify(nest(path, entry), undefined, 2)}\n`;
  }
  const parseOptions = { disallowComments: !hasComments, allowTrailingComma: hasComments };
  const errors: ParseError[] = [];
  const tree = parseTree(content, errors, parseOptions);
  const [problem] = errors;
  if (problem || !tree) {
    const { line, column } = placeOf(content, problem?.offset ?? 0);
    throw new UsageError(
      `${file}:${line}:${column}: this is not ${hasComments ? 'JSON' : 'JSON without comments'} (${problem ? printParseErrorCode(problem.error) : 'it is empty'}); nothing was changed`,
    );
  }
  checkPath(content, file, tree, path);

  const before = parse(content, [], parseOptions) as unknown;
  const present = path.reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], before);
  const kept = Object.entries((present ?? {}) as Record<string, unknown>).filter(([key]) => !ownFields.includes(key));
  const wanted = { ...entry, ...Object.fromEntries(kept) };
  if (isDeepStrictEqual(present, wanted)) {
    return text;
  }

  const formattingOptions = findFormat(content);
  let changed = content;
  const change = (at: readonly string[], value: unknown) => {
    changed = applyEdits(changed, modify(changed, [...at], value, { formattingOptions }));
  };
  if (present === undefined) {
    changed = insert(content, tree, path, wanted);
  } else {
    // Field by field, so that comments beside the others stay.
    for (const key of Object.keys(present as object)) {
      if (!Object.hasOwn(wanted, key)) {
        change([...path, key], undefined);
      }
    }
    for (const [key, value] of Object.entries(entry)) {
      if (!isDeepStrictEqual((present as Record<string, unknown>)[key], value)) {
        change([...path, key], value);
      }
    }
  }
  const after = parse(changed, [], parseOptions) as unknown;
  if (!isDeepStrictEqual(after, withValue(before, path, wanted))) {
    throw new UsageError(`${file}: the server could not be put in without changing the rest; nothing was changed`);
  }
  return text.startsWith('\ufeff') ? `\ufeff${changed}` : changed;
}

/** Everything on the way has to be an object, and there once. */
function checkPath(content: string, file: string, tree: Node, path: readonly string[]): void {
  for (let depth = 0; depth <= path.length; depth += 1) {
    const node = findNodeAtLocation(tree, path.slice(0, depth));
    if (!node) {
      return;
    }
    const at = () => {
      const { line, column } = placeOf(content, node.offset);
      return `${file}:${line}:${column}`;
    };
    if (node.type !== 'object') {
      throw new UsageError(
        `${at()}: expected an object${depth > 0 ? ` under ${path.slice(0, depth).join('.')}` : ''}, got ${node.type}; nothing was changed`,
      );
    }
    const key = path[depth];
    const times = node.children?.filter(({ children }) => children?.[0]?.value === key).length ?? 0;
    if (key !== undefined && times > 1) {
      throw new UsageError(`${at()}: ${JSON.stringify(key)} is there ${times} times; nothing was changed`);
    }
  }
}

/** Adds a property to the innermost object that is there, on lines of its own: nothing else moves. */
function insert(content: string, tree: Node, path: readonly string[], value: unknown): string {
  const depth = path.findIndex((_, index) => !findNodeAtLocation(tree, path.slice(0, index + 1)));
  const parent = findNodeAtLocation(tree, path.slice(0, depth)) as Node;
  const { insertSpaces, tabSize, eol } = findFormat(content);
  const unit = insertSpaces ? ' '.repeat(tabSize) : '\t';
  const closing = parent.offset + parent.length - 1;
  const lineStart = content.lastIndexOf('\n', closing) + 1;
  const closesOnOwnLine = lineStart > parent.offset && content.slice(lineStart, closing).trim() === '';
  const openingLine = content.slice(content.lastIndexOf('\n', parent.offset) + 1, parent.offset);
  const indent = closesOnOwnLine ? content.slice(lineStart, closing) : (/^\s*/.exec(openingLine)?.[0] ?? '');
  const property = `${indent}${unit}${JSON.stringify(path[depth])}: ${JSON.stringify(nest(path.slice(depth + 1), value), undefined, unit).replaceAll('\n', `${eol}${indent}${unit}`)}`;

  const last = parent.children?.at(-1);
  const end = last ? last.offset + last.length : closing;
  const comma = last && !hasComma(content.slice(end, closing)) ? ',' : '';
  const at = closesOnOwnLine ? lineStart : closing;
  return [
    content.slice(0, end),
    comma,
    content.slice(end, at),
    closesOnOwnLine ? `${property}${eol}` : `${eol}${property}${eol}${indent}`,
    content.slice(at),
  ].join('');
}

/** Whether there is a comma between comments. */
function hasComma(text: string): boolean {
  const scanner = createScanner(text, true);
  scanner.scan();
  return scanner.getTokenValue() === ',';
}

function findFormat(content: string) {
  const indent = /^([ \t]+)\S/m.exec(content)?.[1] ?? '  ';
  return {
    insertSpaces: !indent.startsWith('\t'),
    tabSize: indent.startsWith('\t') ? 1 : indent.length,
    eol: content.includes('\r\n') ? '\r\n' : '\n',
  };
}

function nest(path: readonly string[], value: unknown): unknown {
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
}

function withValue(root: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  return key === undefined
    ? value
    : {
        ...(root as object),
        [key]: withValue((root as Record<string, unknown> | undefined)?.[key] ?? {}, rest, value),
      };
}
