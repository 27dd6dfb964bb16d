import { existsSync, readFileSync } from 'node:fs';

const repository = new URL('../../', import.meta.url);
const isTestFile = /^(?:(?:packages|plugins)\/[^/]+\/src|test|scripts)\/.*\.test\.ts$/;
const sources = new Map<string, string>();

/**
 * @param title - as the source has it between its quotes, `%s` and `${…}` included.
 * @returns whether the file, a path within the repository, is one of those that are run and has a test or a group of
 * tests of this title that is not skipped.
 */
export function hasTest(file: string, title: string): boolean {
  if (!isTestFile.test(file) || !existsSync(new URL(file, repository))) {
    return false;
  }
  let source = sources.get(file);
  if (source === undefined) {
    source = readFileSync(new URL(file, repository), 'utf8');
    sources.set(file, source);
  }
  return [...source.matchAll(titleArgument(title))].some(
    ([, callee]) => callee === ')' || !/\.(?:skip|todo|fails)\b/.test(callee as string),
  );
}

/** A title as the first of several arguments of `it`, `test` or `describe`, or of what their `each` and `for` return. */
function titleArgument(title: string): RegExp {
  const escaped = title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(\\b(?:it|test|describe)(?:\\.\\w+)*|\\))\\(\\s*(['"\`])${escaped}\\2\\s*,`, 'g');
}
