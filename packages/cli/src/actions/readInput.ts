import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { describeCause, UsageError } from '../errors.js';
import type { Surroundings } from '../Surroundings.js';
import { readPairs } from './typedInput.js';

export interface GivenInput {
  readonly input?: string;
  readonly inputFile?: string;
  /** `-` alone is standard input. */
  readonly pairs: readonly string[];
}

/** @throws UsageError if there are several inputs, or what is there is not a JSON object. */
export async function readInput(
  { input, inputFile, pairs }: GivenInput,
  schema: unknown,
  { stdin, cwd }: Pick<Surroundings, 'stdin' | 'cwd'>,
): Promise<Record<string, unknown>> {
  const isStdin = pairs.length === 1 && pairs[0] === '-';
  const ways = [input !== undefined, inputFile !== undefined, pairs.length > 0].filter(Boolean).length;
  if (ways > 1) {
    throw new UsageError('Expected one of --input, --input-file, - and key=value pairs, got several');
  }
  if (input !== undefined) {
    return parseObject(input, '--input');
  }
  if (isStdin || inputFile === '-') {
    return parseObject(await text(stdin), 'standard input');
  }
  if (inputFile !== undefined) {
    const file = resolve(cwd, inputFile);
    const content = await readFile(file, 'utf8').catch(error => {
      throw new UsageError(`--input-file: ${describeCause(error)}`, { cause: error });
    });
    return parseObject(content, inputFile);
  }
  return readPairs(pairs, schema ?? {});
}

/** @param name - where it comes from, for messages. */
export function parseObject(json: string, name: string): Record<string, unknown> {
  const value = parseJson(json, name);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError(`${name}: expected a JSON object, got ${Array.isArray(value) ? 'an array' : String(value)}`);
  }
  return value as Record<string, unknown>;
}

export function parseJson(json: string, name: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch (error) {
    throw new UsageError(`${name}: expected JSON: ${(error as Error).message}`, { cause: error });
  }
}
