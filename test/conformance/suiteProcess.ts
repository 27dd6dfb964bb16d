import { type ChildProcessByStdio, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import type { Readable } from 'node:stream';

const { resolve } = createRequire(import.meta.url);
const nodeOptions = 'globSync' in fs ? [] : ['--import', new URL('globSync.mjs', import.meta.url).href];

/** The releases of `@modelcontextprotocol/conformance` that are run here, by the names of their packages. */
export type SuiteRelease = '@modelcontextprotocol/conformance' | 'conformance-0.1';

/** One thing that the suite has looked at. */
export interface SuiteCheck {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly errorMessage?: string;
}

/**
 * Starts the suite with arguments that have it write results to a folder of its own.
 *
 * @param use - is given the process and `readChecks`, which is complete when the process has ended; the folder is
 * gone when its promise is settled.
 */
export async function withSuite<T>(
  options: { release: SuiteRelease; args: string[]; timeoutMs: number },
  use: (suite: {
    child: ChildProcessByStdio<null, Readable, Readable>;
    /** The checks of each folder that the suite has made, by its name; none where it has not come to an end. */
    readChecks(): Map<string, SuiteCheck[]>;
  }) => Promise<T>,
): Promise<T> {
  const { release, args, timeoutMs } = options;
  const folder = fs.mkdtempSync(join(tmpdir(), 'callboard-conformance-'));
  try {
    const child = spawn(
      process.execPath,
      [...nodeOptions, resolve(`${release}/dist/index.js`), ...args, '--output-dir', folder],
      { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs, killSignal: 'SIGKILL' },
    );
    return await use({ child, readChecks: () => readChecks(folder) });
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/** Where the requirement sets of the suite are, one file per revision. */
export function requirementsFile(revision: string): string {
  return join(dirname(resolve('@modelcontextprotocol/conformance/package.json')), 'requirements', `${revision}.yaml`);
}

function readChecks(folder: string): Map<string, SuiteCheck[]> {
  const checks = new Map<string, SuiteCheck[]>();
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) {
      checks.set(relative(folder, path), checks.get(relative(folder, path)) ?? []);
    } else if (basename(path) === 'checks.json') {
      checks.set(relative(folder, entry.parentPath), JSON.parse(fs.readFileSync(path, 'utf8')));
    }
  }
  return checks;
}
