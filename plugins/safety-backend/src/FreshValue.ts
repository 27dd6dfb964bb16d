import { toError } from '@backstage/errors';
import { withTimeout } from './withTimeout.js';

/** What was read last, and how old it is. */
export interface Reading<T> {
  /** `undefined` if it has never been read. */
  readonly read: { readonly value: T; readonly ageMs: number } | undefined;
  /** Why the last attempt failed. */
  readonly failure: Error | undefined;
}

/**
 * A value kept elsewhere, such as in the database, asked for on every call and read again once it
 * is older than allowed. Whoever asks then waits for the reading, but no longer than the timeout,
 * and after a failed one nobody waits before the next is due.
 */
export class FreshValue<T> {
  readonly #read: () => Promise<T>;
  readonly #now: () => Date;
  readonly #maxAgeMs: number;
  readonly #timeoutMs: number;
  #value: { value: T; atMs: number } | undefined;
  #failure: { error: Error; atMs: number } | undefined;
  #reading: Promise<void> | undefined;
  #generation = 0;

  constructor(options: { read: () => Promise<T>; now: () => Date; maxAgeMs: number; timeoutMs: number }) {
    this.#read = options.read;
    this.#now = options.now;
    this.#maxAgeMs = options.maxAgeMs;
    this.#timeoutMs = options.timeoutMs;
  }

  async get(): Promise<Reading<T>> {
    if (this.#isDue(this.#value?.atMs) && this.#isDue(this.#failure?.atMs)) {
      this.#reading ??= this.#refresh().finally(() => {
        this.#reading = undefined;
      });
      await this.#reading;
    }
    return {
      read: this.#value && { value: this.#value.value, ageMs: this.#now().getTime() - this.#value.atMs },
      failure: this.#failure?.error,
    };
  }

  /** Takes a value that this process has just written; what is being read meanwhile is older and does not count. */
  set(value: T): void {
    this.#generation += 1;
    this.#value = { value, atMs: this.#now().getTime() };
    this.#failure = undefined;
  }

  /** A clock that was set back makes everything old: better read once too often than trust it for hours. */
  #isDue(atMs: number | undefined): boolean {
    const ageMs = this.#now().getTime() - (atMs ?? Number.NEGATIVE_INFINITY);
    return ageMs < 0 || ageMs >= this.#maxAgeMs;
  }

  async #refresh(): Promise<void> {
    const generation = this.#generation;
    // As old as the moment at which it was asked for, not at which it came.
    const atMs = this.#now().getTime();
    try {
      const value = await withTimeout(this.#read(), this.#timeoutMs);
      if (generation === this.#generation) {
        this.#value = { value, atMs };
        this.#failure = undefined;
      }
    } catch (error) {
      if (generation === this.#generation) {
        this.#failure = { error: toError(error), atMs: this.#now().getTime() };
      }
    }
  }
}
