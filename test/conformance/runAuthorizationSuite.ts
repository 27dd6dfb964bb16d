import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { freePort } from '@callboard/test-utils';
import { withSuite } from './suiteProcess.js';

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
  const args = [
    ...['authorization', '--url', issuer, '--client-id', clientId, '--spec-version', specVersion],
    ...['--port', String(await freePort())],
    ...(resource === undefined ? [] : ['--resource', resource]),
  ];
  return withSuite({ release: '@modelcontextprotocol/conformance', args, timeoutMs }, async ({ child, readChecks }) => {
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
    const checks = [...readChecks().values()]
      .flat()
      .map(({ id, status, errorMessage }) => `${id}: ${status}${errorMessage ? ` (${errorMessage})` : ''}`)
      .sort();
    return { exitCode, checks, output: lines.join('\n') };
  });
}
