import type { FuzzTarget } from './FuzzTarget.js';
import { runTarget, type TargetRun } from './runTarget.js';
import { Watchdog } from './Watchdog.js';

/**
 * Runs several targets one after the other, each with its share of the cases and of the time.
 *
 * @param options.onProgress - told after each batch.
 */
export async function fuzz(
  targets: readonly FuzzTarget<never>[],
  options: {
    cases: number;
    seed: number;
    minutes?: number | undefined;
    onProgress?: (target: string, done: { cases: number; count: number; failures: number; seconds: number }) => void;
    onTarget?: (run: TargetRun) => void;
  },
): Promise<TargetRun[]> {
  const watchdog = new Watchdog({ targets: targets.map(({ name }) => name) });
  watchdog.start();
  const runs: TargetRun[] = [];
  try {
    const endAtMs =
      options.minutes === undefined ? Number.POSITIVE_INFINITY : performance.now() + options.minutes * 60_000;
    for (const [index, target] of targets.entries()) {
      const count = Math.max(1, Math.round(options.cases * shareOf(target, targets)));
      const left = targets.slice(index);
      const run = await runTarget(target, {
        count,
        seed: options.seed,
        endAtMs:
          endAtMs === Number.POSITIVE_INFINITY
            ? 2 ** 31
            : performance.now() + (endAtMs - performance.now()) / left.length,
        onCase: seed => watchdog.sees(target.name, seed),
        onProgress: done => options.onProgress?.(target.name, { ...done, count }),
      });
      watchdog.rests();
      runs.push(run);
      options.onTarget?.(run);
    }
  } finally {
    await watchdog.stop();
  }
  return runs;
}

function shareOf(target: FuzzTarget<never>, targets: readonly FuzzTarget<never>[]): number {
  return target.weight / targets.reduce((sum, { weight }) => sum + weight, 0);
}
