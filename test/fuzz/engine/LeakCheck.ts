import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Compiled code and caches that have a bound of their own grow by less. */
const MAX_GROWTH_BYTES = 16 * 1024 * 1024;
/** A run of fewer says nothing: the engine is still compiling. */
const MIN_CASES = 2_000;

/** Compares the heap in the middle of a run with the heap at its end, each after collection. */
export class LeakCheck {
  readonly #expectedCases: number;
  readonly #collect: () => void;
  #middle: { cases: number; bytes: number } | undefined;
  #end: { cases: number; bytes: number } | undefined;

  constructor(options: { expectedCases: number }) {
    this.#expectedCases = options.expectedCases;
    setFlagsFromString('--expose-gc');
    this.#collect = runInNewContext('gc') as () => void;
  }

  /** Called between batches. */
  look(cases: number): void {
    if (!this.#middle && cases >= this.#expectedCases / 2) {
      this.#middle = { cases, bytes: this.#usedBytes() };
    } else if (cases >= this.#expectedCases) {
      this.#end = { cases, bytes: this.#usedBytes() };
    }
  }

  growthBytes(): number | undefined {
    const { cases = 0 } = this.#middle ?? {};
    return this.#middle && this.#end && this.#end.cases - cases >= MIN_CASES / 2
      ? this.#end.bytes - this.#middle.bytes
      : undefined;
  }

  /** @returns what is wrong, if something is. */
  problem(): string | undefined {
    const growth = this.growthBytes();
    return growth !== undefined && growth > MAX_GROWTH_BYTES
      ? `It leaks: the heap grew by ${growth} bytes between case ${this.#middle?.cases} and case ${this.#end?.cases}, expected at most ${MAX_GROWTH_BYTES}`
      : undefined;
  }

  #usedBytes(): number {
    // What a first collection finalizes, a second frees.
    this.#collect();
    this.#collect();
    return process.memoryUsage().heapUsed;
  }
}
