import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { requirementsFile, type SuiteRelease } from './suiteProcess.js';

/** One run of the suite against a server. */
export interface ServerSuite {
  readonly name: string;
  readonly release: SuiteRelease;
  readonly args: readonly string[];
  /** How many scenarios a server has to pass. Stated here, so that none gets lost on the way. */
  readonly requiredCount: number;
  /** Which of them; undefined where all that are run are required. */
  readonly required: readonly string[] | undefined;
}

/** What has to be passed: the requirement sets of both revisions, and all that the last stable release runs. */
export const serverSuites: readonly ServerSuite[] = [
  requirementSet('2025-11-25', 30),
  requirementSet('2026-07-28', 37),
  {
    name: '0.1.16 active',
    release: 'conformance-0.1',
    args: ['--suite', 'active'],
    requiredCount: 30,
    required: undefined,
  },
];

function requirementSet(revision: string, requiredCount: number): ServerSuite {
  const { server } = parse(readFileSync(requirementsFile(revision), 'utf8')) as { server: string[] };
  return {
    name: revision,
    release: '@modelcontextprotocol/conformance',
    args: ['--requirements', revision],
    requiredCount,
    required: server,
  };
}
