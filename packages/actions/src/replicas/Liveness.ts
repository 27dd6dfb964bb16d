/** So many checks in a row have to miss a replica before it counts as gone. */
const MISSES = 2;

/** Looks from time to time whether the replicas are there that somebody here depends on. */
export class Liveness {
  readonly #intervalMs: number;
  readonly #findPresent: (ids: readonly string[]) => Promise<ReadonlySet<string>>;
  readonly #watchers = new Map<string, Set<() => void>>();
  readonly #misses = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: {
    intervalMs: number;
    /** @throws while that cannot be known. */
    findPresent: (ids: readonly string[]) => Promise<ReadonlySet<string>>;
  }) {
    this.#intervalMs = options.intervalMs;
    this.#findPresent = options.findPresent;
  }

  /** @returns what ends it; `onGone` is told once at most. */
  watch(id: string, onGone: () => void): () => void {
    const watchers = this.#watchers.get(id) ?? new Set();
    this.#watchers.set(id, watchers.add(onGone));
    this.#plan();
    return () => {
      watchers.delete(onGone);
      if (watchers.size === 0 && this.#watchers.get(id) === watchers) {
        this.#forget(id);
      }
    };
  }

  stop(): void {
    this.#watchers.clear();
    this.#misses.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #plan(): void {
    if (!this.#timer && this.#watchers.size > 0) {
      this.#timer = setTimeout(() => void this.#check(), this.#intervalMs);
      this.#timer.unref();
    }
  }

  async #check(): Promise<void> {
    const ids = [...this.#watchers.keys()];
    try {
      const present = await this.#findPresent(ids);
      for (const id of ids) {
        this.#note(id, present.has(id));
      }
    } catch {
      // Nothing is known of anybody: whoever was missed before may be there.
      this.#misses.clear();
    }
    this.#timer = undefined;
    this.#plan();
  }

  #note(id: string, isPresent: boolean): void {
    const misses = isPresent ? 0 : (this.#misses.get(id) ?? 0) + 1;
    this.#misses.set(id, misses);
    if (misses >= MISSES) {
      const watchers = [...(this.#watchers.get(id) ?? [])];
      this.#forget(id);
      for (const onGone of watchers) {
        onGone();
      }
    }
  }

  #forget(id: string): void {
    this.#watchers.delete(id);
    this.#misses.delete(id);
  }
}
