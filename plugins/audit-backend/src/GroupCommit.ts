/** More than that can only be waiting because nothing is written any more. */
const MAX_WAITING = 100_000;

interface Waiting<T> {
  item: T;
  /** Nobody waits for it any more. */
  isGone: boolean;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Writes what arrives while a write is under way together with the next one, in the order of
 * arrival: one write to disk for all callers of that time.
 */
export class GroupCommit<T> {
  readonly #write: (items: readonly T[]) => Promise<void>;
  readonly #maxItems: number;
  readonly #timeoutMs: number;
  readonly #waiting: Waiting<T>[] = [];
  #running: Promise<void> | undefined;

  constructor(options: { write: (items: readonly T[]) => Promise<void>; maxItems: number; timeoutMs: number }) {
    this.#write = options.write;
    this.#maxItems = options.maxItems;
    this.#timeoutMs = options.timeoutMs;
  }

  /** @throws what the write throws, or that it takes too long; it may be written nevertheless then. */
  add(item: T): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING) {
      return Promise.reject(new Error(`${MAX_WAITING} records wait to be written already`));
    }
    return new Promise((resolve, reject) => {
      const waiting: Waiting<T> = {
        item,
        isGone: false,
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
        reject: error => {
          clearTimeout(timer);
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        waiting.isGone = true;
        reject(new Error(`Not written within ${this.#timeoutMs} ms`));
      }, this.#timeoutMs);
      this.#waiting.push(waiting);
      this.#running ??= this.#run();
    });
  }

  /** Waits until nothing is left to write. */
  async idle(): Promise<void> {
    while (this.#running) {
      await this.#running;
    }
  }

  async #run(): Promise<void> {
    // Calls that came in with the same turn of the event loop go together.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, this.#maxItems).filter(({ isGone }) => !isGone);
      if (group.length === 0) {
        continue;
      }
      try {
        await this.#write(group.map(({ item }) => item));
        for (const { resolve } of group) {
          resolve();
        }
      } catch (error) {
        for (const { reject } of group) {
          reject(error as Error);
        }
      }
    }
    this.#running = undefined;
  }
}
