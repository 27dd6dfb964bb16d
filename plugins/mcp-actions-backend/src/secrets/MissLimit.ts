const MAX_MISSES = 20;
const WINDOW_MS = 10 * 60_000;
const MAX_VISITORS = 1_000;

/** Counts how often a visitor has asked for what is not there, or not theirs: who does so too often is guessing. */
export class MissLimit {
  readonly #nowMs: () => number;
  readonly #misses = new Map<string, { count: number; untilMs: number }>();

  constructor(options: { nowMs: () => number }) {
    this.#nowMs = options.nowMs;
  }

  /** Seconds until the visitor may ask again; 0 for at once. */
  waitSeconds(visitor: string): number {
    const misses = this.#misses.get(visitor);
    return misses && misses.count >= MAX_MISSES ? Math.max(0, Math.ceil((misses.untilMs - this.#nowMs()) / 1000)) : 0;
  }

  count(visitor: string): void {
    const nowMs = this.#nowMs();
    const misses = this.#misses.get(visitor);
    const isOver = !misses || misses.untilMs <= nowMs;
    this.#misses.delete(visitor);
    this.#misses.set(
      visitor,
      isOver ? { count: 1, untilMs: nowMs + WINDOW_MS } : { ...misses, count: misses.count + 1 },
    );
    if (this.#misses.size > MAX_VISITORS) {
      const [oldest] = this.#misses.keys();
      this.#misses.delete(oldest as string);
    }
  }
}
