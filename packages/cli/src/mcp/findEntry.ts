import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';
import { UsageError } from '../errors.js';

const DEFAULT_ENTRY = '@callboard/backend';

/**
 * The file that starts a project's backend.
 *
 * @param folder - what files and modules are looked for from.
 * @param given - a file, a folder with a package, or the name of a module; Callboard's own backend, if absent.
 * @throws UsageError if there is none.
 */
export function findEntry(folder: string, given: string | undefined): string {
  const name = given ?? DEFAULT_ENTRY;
  const path = resolve(folder, name);
  try {
    return createRequire(join(folder, 'package.json')).resolve(isPath(folder, name) ? path : name);
  } catch (error) {
    throw new UsageError(describe({ folder, name, given, error: error as NodeJS.ErrnoException }));
  }
}

/** Whether an entry is a file or folder, rather than the name of a module. */
export function isPath(folder: string, name: string): boolean {
  return isAbsolute(name) || /^\.{1,2}(?:[/\\]|$)/.test(name) || existsSync(resolve(folder, name));
}

function describe(options: {
  folder: string;
  name: string;
  given: string | undefined;
  error: NodeJS.ErrnoException;
}): string {
  const { folder, name, given, error } = options;
  if (error.code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') {
    return `--entry: ${name} has no main entry: give the file that starts the backend`;
  }
  // The package is there, and the file that it names is not.
  const missing = error.code === 'MODULE_NOT_FOUND' && /Cannot find module '([^']*)'/.exec(error.message)?.[1];
  if (missing && missing !== name && missing !== resolve(folder, name)) {
    return `${name} cannot be started: ${missing} is not there. Has it been built?`;
  }
  if (isPath(folder, name)) {
    return `--entry: there is no file or package at ${resolve(folder, name)}`;
  }
  return given === undefined
    ? `There is no ${DEFAULT_ENTRY} in ${folder} or above it. Run this in the folder of a Callboard server, or name it with --project; install ${DEFAULT_ENTRY} there; or name the file that starts another Backstage backend with --entry`
    : `--entry: there is no module ${name} in ${folder} or above it: install it there, or give the path of a file`;
}
