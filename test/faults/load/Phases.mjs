/** What happened before, during and after a fault. */
export class Phases {
  #phases = [];
  #current;

  begin(name) {
    this.end();
    this.#current = {
      name,
      startMs: performance.now(),
      sent: 0,
      answered: 0,
      refused: 0,
      failed: 0,
      latenciesMs: [],
      lastAnswerMs: performance.now(),
      longestGapMs: 0,
    };
    this.#phases.push(this.#current);
  }

  end() {
    if (this.#current) {
      this.#noteGap();
      this.#current.endMs = performance.now();
      this.#current = undefined;
    }
  }

  sent(isRemote) {
    if (this.#current && !isRemote) {
      this.#current.sent += 1;
    }
  }

  answered(latencyMs, isRemote) {
    if (this.#current && !isRemote) {
      this.#noteGap();
      this.#current.answered += 1;
      this.#current.latenciesMs.push(latencyMs);
    }
  }

  refused() {
    if (this.#current) {
      this.#current.refused += 1;
    }
  }

  failed() {
    if (this.#current) {
      this.#current.failed += 1;
    }
  }

  /** Calls to other backends are not in these figures. */
  summarize() {
    return this.#phases.map(({ name, startMs, endMs, sent, answered, refused, failed, latenciesMs, longestGapMs }) => {
      const seconds = ((endMs ?? performance.now()) - startMs) / 1000;
      const sorted = Float64Array.from(latenciesMs).sort();
      const quantile = share => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
      return {
        name,
        seconds,
        sent,
        answered,
        refused,
        failed,
        answeredPerSecond: answered / seconds,
        p50Ms: quantile(0.5),
        p99Ms: quantile(0.99),
        longestGapMs,
      };
    });
  }

  #noteGap() {
    const now = performance.now();
    this.#current.longestGapMs = Math.max(this.#current.longestGapMs, now - this.#current.lastAnswerMs);
    this.#current.lastAnswerMs = now;
  }
}
