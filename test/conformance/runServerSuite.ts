import { once } from 'node:events';
import type { ServerSuite } from './serverSuites.js';
import { type SuiteCheck, withSuite } from './suiteProcess.js';

/** A run takes seconds; a server that hangs costs the suite 30 of them per scenario. */
const timeoutMs = 150_000;

export interface ScenarioResult {
  readonly name: string;
  readonly passed: boolean;
  /** Checks that failed, each with what is wrong; or that none has succeeded. */
  readonly problems: readonly string[];
  /** Recommendations of the specification that are not followed. */
  readonly warnings: readonly string[];
}

export interface ServerSuiteResult {
  readonly exitCode: number | null;
  readonly required: readonly ScenarioResult[];
  /** Scenarios that count for nothing: of extensions, pending, or newer than the requirement set. */
  readonly others: readonly ScenarioResult[];
  readonly output: string;
}

/** Runs the official conformance suite against the MCP server at a URL, which has to let in whoever comes. */
export async function runServerSuite(url: string, suite: ServerSuite): Promise<ServerSuiteResult> {
  const args = ['server', '--url', url, ...suite.args];
  return withSuite({ release: suite.release, args, timeoutMs }, async ({ child, readChecks }) => {
    const chunks: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
    }
    const [exitCode] = await once(child, 'close');
    const results = [...readChecks()].map(([folder, checks]) => toResult(scenarioOf(folder), checks));
    const isRequired = ({ name }: ScenarioResult) => suite.required?.includes(name) ?? true;
    return {
      exitCode,
      required: results.filter(isRequired),
      others: results.filter(result => !isRequired(result)),
      output: chunks.join(''),
    };
  });
}

/** The suite calls its folders `server-<scenario>-<time>`. */
function scenarioOf(folder: string): string {
  const name = /^server-(.+)-\d{4}-\d\d-\d\dT[\dZ-]+$/.exec(folder)?.[1];
  if (name === undefined) {
    throw new Error(`The suite made a folder "${folder}", expected server-<scenario>-<time>`);
  }
  return name;
}

function toResult(name: string, checks: readonly SuiteCheck[]): ScenarioResult {
  const describe = (wanted: SuiteCheck['status']) =>
    checks
      .filter(({ status }) => status === wanted)
      .map(({ id, errorMessage }) => `${name}: ${id}${errorMessage ? `: ${errorMessage}` : ''}`);
  const failed = describe('FAILURE');
  // That messages fit their schemas is checked of every scenario; it says nothing of what the scenario is about.
  const hasSucceeded = checks.some(({ id, status }) => status === 'SUCCESS' && !id.startsWith('wire-schema-'));
  const problems = failed.length === 0 && !hasSucceeded ? [`${name}: no check has succeeded`] : failed;
  return { name, passed: problems.length === 0, problems, warnings: describe('WARNING') };
}
