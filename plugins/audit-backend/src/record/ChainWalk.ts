import { type ChainHead, genesisHash, headOf } from './chain.js';
import type { Seal } from './records.js';

/** What is wrong with a record's place in its chain. */
export interface ChainProblem {
  readonly kind: 'changed' | 'removed' | 'reordered';
  /** Which record is meant: the one that was looked at, or the one before it. */
  readonly at: 'this' | 'before';
  readonly message: string;
}

/** Goes along a chain from its first kept record to its end. */
export class ChainWalk {
  readonly #keptFrom: number;
  readonly #anchors: readonly ChainHead[];
  #last: ChainHead | undefined;
  #records = 0;

  /** @param options.anchors - records that are known to be in the chain, whatever else is. */
  constructor(options: { keptFrom: number; anchors: readonly ChainHead[] }) {
    this.#keptFrom = options.keptFrom;
    this.#anchors = options.anchors;
  }

  get last(): ChainHead | undefined {
    return this.#last;
  }

  get records(): number {
    return this.#records;
  }

  /** @returns what is wrong with the next record, whose hash has been found to be right. */
  next(seal: Seal): ChainProblem | undefined {
    const problem = this.#check(seal);
    if (!problem) {
      this.#last = headOf(seal);
      this.#records += 1;
    }
    return problem;
  }

  /** @returns what is missing after the last record. */
  findCut(): string | undefined {
    const seq = this.#last?.seq ?? 0;
    const known = Math.max(0, ...this.#anchors.map(anchor => anchor.seq));
    return known > seq ? `records ${seq + 1} to ${known} are missing at the end` : undefined;
  }

  #check({ chain, seq, prevHash, hash }: Seal): ChainProblem | undefined {
    const last = this.#last;
    if ([...this.#anchors, ...(last ? [last] : [])].some(other => other.chain !== chain)) {
      return { kind: 'changed', at: 'this', message: `record ${seq} is of another chain, ${chain}` };
    }
    const expected = last ? last.seq + 1 : this.#keptFrom;
    if (last ? seq > expected : seq > Math.max(1, expected)) {
      return { kind: 'removed', at: 'this', message: `records ${expected} to ${seq - 1} are missing before it` };
    }
    if (last && seq < expected) {
      return { kind: 'reordered', at: 'this', message: `record ${seq} stands after record ${last.seq}` };
    }
    if (last && prevHash !== last.hash) {
      return {
        kind: 'changed',
        at: 'before',
        message: `record ${last.seq} is not the one that record ${seq} was linked to`,
      };
    }
    if (seq === 1 && prevHash !== genesisHash) {
      return { kind: 'changed', at: 'this', message: 'record 1 is linked to another one' };
    }
    return this.#anchors.some(anchor => anchor.seq === seq && anchor.hash !== hash)
      ? { kind: 'changed', at: 'this', message: `the chain was made anew up to record ${seq}` }
      : undefined;
  }
}
