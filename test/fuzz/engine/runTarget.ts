import fc from 'fast-check';
import { Violation } from './expect.js';
import type { Finding } from './Finding.js';
import type { FuzzTarget, OpenTarget } from './FuzzTarget.js';
import { LeakCheck } from './LeakCheck.js';

/** Whatever takes longer hangs. Generous, since the machine may have other things to do. */
export const CASE_LIMIT_MS = 20_000;
const MAX_SHRINK_MS = 30_000;
const MAX_FINDINGS = 5;

export interface TargetRun {
  readonly target: string;
  readonly about: string;
  readonly cases: number;
  readonly failures: number;
  readonly findings: readonly Finding[];
  readonly seconds: number;
  /** Of the second half of the run, after collection; undefined for runs too short to tell. */
  readonly heapGrowthBytes: number | undefined;
}

export interface RunOptions {
  readonly count: number;
  readonly seed: number;
  /** Where time counts more than the number of cases. */
  readonly maxBatchSize?: number;
  /** As `performance.now()` tells time; the run ends then, whatever is left. */
  readonly endAtMs: number;
  /** Told before each case, for whoever watches over cases that never end. */
  readonly onCase: (batchSeed: number) => void;
  readonly onProgress: (done: { cases: number; failures: number; seconds: number }) => void;
}

/** Runs cases of one target in batches, and says how it went; a failure does not end it, five different ones do. */
export async function runTarget<TCase>(target: FuzzTarget<TCase>, options: RunOptions): Promise<TargetRun> {
  const leaks = new LeakCheck({ expectedCases: options.count });
  const strays = new Strays();
  strays.listen();
  const sockets = countSockets();
  const opened = await target.open();
  const startedAtMs = performance.now();
  const findings = new Map<string, Finding>();
  let cases = 0;
  let failures = 0;
  const add = (finding: Finding) => {
    failures += 1;
    const key = alike(finding.message);
    findings.set(key, findings.get(key) ?? finding);
  };
  const seconds = () => (performance.now() - startedAtMs) / 1000;
  try {
    for (let batch = 0; cases < options.count && performance.now() < options.endAtMs; batch += 1) {
      const seed = (options.seed + batch) | 0;
      const { run, finding } = await runBatch(target, opened, {
        seed,
        count: Math.min(target.batchSize, options.maxBatchSize ?? target.batchSize, options.count - cases),
        endAtMs: options.endAtMs,
        onCase: () => options.onCase(seed),
        strays,
      });
      cases += run;
      if (finding) {
        add(finding);
      }
      try {
        await opened.settle?.();
        leaks.look(cases);
        strays.throwFirst();
      } catch (error) {
        add({ target: target.name, seed, path: '', message: messageOf(error), given: null });
      }
      options.onProgress({ cases, failures, seconds: seconds() });
      if (findings.size >= MAX_FINDINGS) {
        break;
      }
    }
  } finally {
    await opened.close();
    strays.stop();
  }
  const problem = findings.size === 0 ? (leaks.problem() ?? (await findOpenSockets(sockets))) : undefined;
  if (problem) {
    add({ target: target.name, seed: options.seed, path: '', message: problem, given: null });
  }
  return {
    target: target.name,
    about: target.about,
    cases,
    failures,
    findings: [...findings.values()],
    seconds: seconds(),
    heapGrowthBytes: leaks.growthBytes(),
  };
}

async function runBatch<TCase>(
  target: FuzzTarget<TCase>,
  opened: OpenTarget<TCase>,
  options: { seed: number; count: number; endAtMs: number; onCase: () => void; strays: Strays },
): Promise<{ run: number; finding?: Finding }> {
  const { seed, count, strays, endAtMs } = options;
  let shrinkUntilMs = Number.POSITIVE_INFINITY;
  let run = 0;
  const details = await fc.check(
    fc.asyncProperty(opened.cases, async given => {
      const isShrinking = shrinkUntilMs < Number.POSITIVE_INFINITY;
      if (performance.now() > (isShrinking ? shrinkUntilMs : endAtMs)) {
        // The smallest that has been found so far is small enough.
        return;
      }
      run += isShrinking ? 0 : 1;
      options.onCase();
      try {
        await checkInTime(opened, given);
        strays.throwFirst();
      } catch (error) {
        shrinkUntilMs = Math.min(shrinkUntilMs, performance.now() + MAX_SHRINK_MS);
        throw error;
      }
    }),
    { seed, numRuns: count },
  );
  if (!details.failed) {
    return { run };
  }
  return {
    run,
    finding: {
      target: target.name,
      seed,
      path: details.counterexamplePath ?? '',
      message: messageOf(details.errorInstance),
      given: details.counterexample?.[0] ?? null,
    },
  };
}

/** @throws Violation if the check fails, or takes too long. */
export async function checkInTime<TCase>({ check }: Pick<OpenTarget<TCase>, 'check'>, given: TCase): Promise<void> {
  const startedAtMs = performance.now();
  const checked = check(given);
  if (checked !== undefined) {
    let timeout: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timeout = setTimeout(() => reject(new Violation(`It hangs: no end after ${CASE_LIMIT_MS} ms`)), CASE_LIMIT_MS);
    });
    try {
      await Promise.race([checked, late]);
    } finally {
      clearTimeout(timeout);
    }
  }
  const tookMs = performance.now() - startedAtMs;
  if (tookMs > CASE_LIMIT_MS) {
    throw new Violation(`It hangs: one case took ${Math.round(tookMs)} ms`);
  }
}

const countSockets = () => process.getActiveResourcesInfo().filter(kind => kind.startsWith('TCP')).length;

/** @returns what is wrong, if more sockets are open than before. */
async function findOpenSockets(before: number): Promise<string | undefined> {
  const endAtMs = performance.now() + CASE_LIMIT_MS;
  while (countSockets() > before && performance.now() < endAtMs) {
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  const open = countSockets();
  return open > before ? `It leaks: ${open} sockets are open at the end, expected ${before}` : undefined;
}

/** What would have ended a process: errors that nobody caught. */
class Strays {
  readonly #seen: Error[] = [];
  readonly #hear = (reason: unknown) => {
    this.#seen.push(reason instanceof Error ? reason : new Error(String(reason)));
  };

  listen(): void {
    process.on('unhandledRejection', this.#hear);
    process.on('uncaughtException', this.#hear);
  }

  throwFirst(): void {
    const [first] = this.#seen.splice(0);
    if (first) {
      throw new Violation(`Nobody caught this: ${first.stack ?? first.message}`, { cause: first });
    }
  }

  stop(): void {
    process.off('unhandledRejection', this.#hear);
    process.off('uncaughtException', this.#hear);
  }
}

const messageOf = (error: unknown) =>
  error instanceof Violation ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);

/** Two failures of one cause differ in numbers and in what was quoted. */
const alike = (message: string) =>
  (message.split('\n')[0] ?? '')
    .replace(/\d+/g, '0')
    .replace(/"[^"]*"/g, '""')
    .slice(0, 200);
