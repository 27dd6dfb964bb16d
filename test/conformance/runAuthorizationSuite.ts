import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '@callboard/test-utils';

const suitePath = createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/dist/index.js');
const nodeOptions = 'globSync' in fs ? [] : ['--import', new URL('globSync.mjs', import.meta.url).href];
const timeoutMs = 25_000;

/** What the suite found, warnings and skipped checks included. */
export interface SuiteResult {
  readonly exitCode: number | null;
  /** Each as `id: STATUS`, and what is wrong where something is. */
  readonly checks: string[];
  readonly output: string;
}

/**
 * Runs the official conformance suite for authorization servers.
 *
 * @param options.visit - plays the person at the authorization URL, up to where the browser leaves the server for
 * the suite's callback.
 */
export async function runAuthorizationSuite(options: {
  issuer: string;
  clientId: string;
  specVersion: string;
  resource?: string;
  visit: (authorizationUrl: string) => Promise<URL>;
}): Promise<SuiteResult> {
  const { issuer, clientId, specVersion, resource, visit } = options;
  const folder = fs.mkdtempSync(join(tmpdir(), 'callboard-conformance-'));
  try {
    const child = spawn(
      process.execPath,
      [
        ...[...nodeOptions, suitePath, 'authorization'],
        ...['--url', issuer, '--client-id', clientId, '--spec-version', specVersion],
        ...['--port', String(await freePort()), '--output-dir', folder],
        ...(resource === undefined ? [] : ['--resource', resource]),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs },
    );
    const lines: string[] = [];
    let visited: Promise<unknown> | undefined;
    createInterface(child.stderr).on('line', line => lines.push(line));
    createInterface(child.stdout).on('line', line => {
      lines.push(line);
      if (line.startsWith(`${issuer}/`) && line.includes('response_type=code')) {
        visited = visit(line).then(fetch);
        visited.catch(() => child.kill());
      }
    });
    const [exitCode] = await once(child, 'close');
    await visited;
    return { exitCode, checks: readChecks(folder), output: lines.join('\n') };
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

function readChecks(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(path => basename(path) === 'checks.json')
    .flatMap((path): { id: string; status: string; errorMessage?: string }[] =>
      JSON.parse(fs.readFileSync(join(folder, path), 'utf8')),
    )
    .map(({ id, status, errorMessage }) => `${id}: ${status}${errorMessage ? ` (${errorMessage})` : ''}`)
    .sort();
}
