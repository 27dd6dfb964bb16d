import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A case that failed, as small as it could be made. */
export interface Finding {
  readonly target: string;
  /** Of the batch, and where in it: fast-check makes the same case of these, as long as nobody changes how cases are made. */
  readonly seed: number;
  readonly path: string;
  /** What it did that it must not. */
  readonly message: string;
  /** The case itself, which is what is repeated; null for what no single case has done. */
  readonly given: unknown;
}

/** @returns the file that holds it from now on. */
export function writeFinding(folder: string, finding: Finding): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${finding.target}-${finding.seed}.json`);
  writeFileSync(file, `${JSON.stringify(finding, null, 2)}\n`);
  return file;
}

/** @throws Error if the file does not hold one. */
export function readFinding(file: string): Finding {
  const finding = JSON.parse(readFileSync(file, 'utf8')) as Partial<Finding>;
  if (typeof finding.target !== 'string' || finding.given === undefined) {
    throw new Error(`${file}: expected a finding with target and given`);
  }
  return finding as Finding;
}

/** File names of those that have been kept. */
export function listFindings(folder: string): string[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.json'))
    .sort();
}
