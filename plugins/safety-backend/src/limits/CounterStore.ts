import type { Knex } from 'knex';

interface CounterRow {
  key: string;
  value: number;
  expires_at_ms: number | string;
}

/** What adding fractions to milliseconds since 1970 may lose each time. */
const ROUNDING_MS = 2 ** -12;

/** One step of a counter, which can be taken back. */
export interface Count {
  readonly key: string;
  readonly amount: number;
}

/** Either the count, or for how long there is none to be had. */
export type CountResult = { readonly count: Count } | { readonly waitMs: number };

/** Counts calls for all replicas. One statement decides whether a call still fits. */
export class CounterStore {
  readonly #db: Knex;

  constructor(options: { db: Knex }) {
    this.#db = options.db;
  }

  /**
   * Counts a call against a rate: as many at once as the rate has calls, which come back evenly
   * (the generic cell rate algorithm). The value is the moment at which all of them are back.
   */
  async countRate(options: { key: string; calls: number; periodMs: number; nowMs: number }): Promise<CountResult> {
    const { key, calls, periodMs, nowMs } = options;
    const stepMs = periodMs / calls;
    const roundingMs = Math.min(stepMs / 2, calls * ROUNDING_MS);
    const counted = await this.#rows()
      .insert({ key, value: nowMs + stepMs, expires_at_ms: Math.ceil(nowMs + periodMs + stepMs) })
      .onConflict('key')
      .merge({
        value: this.#db.raw('case when safety_counters.value > ? then safety_counters.value + ? else ? end', [
          nowMs,
          stepMs,
          nowMs + stepMs,
        ]),
        expires_at_ms: this.#db.raw('excluded.expires_at_ms'),
      })
      .where(this.#db.raw('safety_counters.value <= ?', [nowMs + periodMs - stepMs + roundingMs]))
      .returning('key');
    if (counted.length > 0) {
      return { count: { key, amount: stepMs } };
    }
    const row = await this.#rows().where({ key }).first();
    return { waitMs: Math.max(1, (row?.value ?? 0) + stepMs - periodMs - nowMs) };
  }

  /** Counts a call up to `most`, of which none comes back before `endsAtMs`. */
  async countUpTo(options: { key: string; most: number; nowMs: number; endsAtMs: number }): Promise<CountResult> {
    const { key, most, nowMs, endsAtMs } = options;
    const counted = await this.#rows()
      .insert({ key, value: 1, expires_at_ms: endsAtMs })
      .onConflict('key')
      .merge({ value: this.#db.raw('safety_counters.value + 1') })
      .where(this.#db.raw('safety_counters.value < ?', [most]))
      .returning('key');
    return counted.length > 0 ? { count: { key, amount: 1 } } : { waitMs: endsAtMs - nowMs };
  }

  /** Takes a count back, for a call that was refused for another reason. */
  async takeBack({ key, amount }: Count): Promise<void> {
    await this.#rows()
      .where({ key })
      .update({ value: this.#db.raw('value - ?', [amount]) });
  }

  /** Removes counters that no longer keep anything from being called. */
  async purge(nowMs: number): Promise<void> {
    await this.#rows().where('expires_at_ms', '<=', nowMs).delete();
  }

  #rows() {
    return this.#db<CounterRow>('safety_counters');
  }
}
