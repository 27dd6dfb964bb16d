/** More than that can only be waiting because nothing is written any more. */
const MAX_WAITING = 100_000;
/** Of the event loop, in which calls gather for the next write. */
const MOST_TURNS = 3;

interface Waiting<T> {
  readonly item: T;
  readonly sinceMs: number;
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
  #group: readonly Waiting<T>[] = [];
  #running: Promise<void> | undefined;
  /** One for all: it goes off when the oldest has waited for too long. */
  #timer: NodeJS.Timeout | undefined;

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
      this.#waiting.push({ item, sinceMs: performance.now(), isGone: false, resolve, reject });
      this.#timer ??= setTimeout(this.#giveUp, this.#timeoutMs);
      this.#running ??= this.#run();
    });
  }

  /** Waits until nothing is left to write. */
  async idle(): Promise<void> {
    while (this.#running) {
      await this.#running;
    }
  }

  /** A write costs more than a turn of the event loop, which may bring more calls, or bring calls further. */
  async #gather(): Promise<void> {
    let before = 0;
    for (let turn = 0; turn < MOST_TURNS && this.#waiting.length > before; turn += 1) {
      before = this.#waiting.length;
      await new Promise(setImmediate);
    }
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#gather();
      this.#group = this.#waiting.splice(0, this.#maxItems).filter(({ isGone }) => !isGone);
      if (this.#group.length === 0) {
        continue;
      }
      try {
        await this.#write(this.#group.map(({ item }) => item));
        for (const { resolve } of this.#group) {
          resolve();
        }
      } catch (error) {
        for (const { reject } of this.#group) {
          reject(error as Error);
        }
      }
      this.#group = [];
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running = undefined;
  }

  #giveUp = () => {
    const left = [...this.#group, ...this.#waiting].filter(({ isGone }) => !isGone);
    const latestMs = performance.now() - this.#timeoutMs;
    const late = left.filter(({ sinceMs }) => sinceMs <= latestMs);
    for (const waiting of late) {
      waiting.isGone = true;
      waiting.reject(new Error(`Not written within ${this.#timeoutMs} ms`));
    }
    const next = left[late.length];
    this.#timer = next && setTimeout(this.#giveUp, Math.max(1, next.sinceMs - latestMs));
  };
}
