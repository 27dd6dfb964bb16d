import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

const DEFAULT_CASES = 1_000_000;
const MAX_SEED = 2 ** 31 - 1;

export class UsageError extends Error {}

export interface FuzzOptions {
  readonly cases: number;
  /** Names; all if empty. */
  readonly targets: readonly string[];
  readonly seed: number;
  readonly minutes: number | undefined;
  readonly replay: string | undefined;
}

export const help = (
  targets: string,
) => `Feeds the product random input that is nearly right, and looks for crashes, hangs, leaks and calls that get past the rules.

Usage: npm run fuzz -- [options]

  --cases <n>      in total, over all targets by their weights; default ${DEFAULT_CASES}
  --target <name>  only this one; may be given several times
  --seed <n>       of a run to repeat; by default a random one, which is printed
  --minutes <n>    at most, over all targets by their weights
  --replay <file>  repeats one case of test/fuzz/found
  --help

Targets:
${targets}

Each case that fails is made as small as it can be, and written to test/fuzz/found, where npm test finds it.

Exit code: 0 if nothing was found, 1 if something was, 2 if it could not run.`;

/** @returns undefined if help is wanted. */
export function readOptions(argv: readonly string[], targetNames: readonly string[]): FuzzOptions | undefined {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      cases: { type: 'string', default: String(DEFAULT_CASES) },
      target: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string' },
      minutes: { type: 'string' },
      replay: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    return undefined;
  }
  const unknown = values.target.find(name => !targetNames.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`--target: expected ${targetNames.join(', ')}, got ${unknown}`);
  }
  return {
    cases: readNumber('--cases', values.cases, 1, 1_000_000_000),
    targets: values.target,
    seed: values.seed === undefined ? randomInt(MAX_SEED) : readNumber('--seed', values.seed, 0, MAX_SEED),
    minutes: values.minutes === undefined ? undefined : readNumber('--minutes', values.minutes, 1, 100_000),
    replay: values.replay,
  };
}

function readNumber(name: string, text: string, least: number, most: number): number {
  const number = Number(text.replaceAll('_', ''));
  if (!Number.isInteger(number) || number < least || number > most) {
    throw new UsageError(`${name}: expected a whole number from ${least} to ${most}, got ${text}`);
  }
  return number;
}
