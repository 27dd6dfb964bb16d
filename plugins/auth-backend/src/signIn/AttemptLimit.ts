import { createHash } from 'node:crypto';
import type { Knex } from 'knex';

const firstDelaySeconds = 1;
const maxDelaySeconds = 15 * 60;
const forgetSeconds = 60 * 60;
const maxRaces = 20;

interface AttemptRow {
  key_hash: string;
  attempts: number;
  blocked_until: string;
  forgotten_at: string;
}

/** Something that may be tried a few times at once, and then more and more slowly. */
export interface AttemptSubject {
  /** What is counted, such as `user:ada`. */
  key: string;
  /** Attempts before the first delay. */
  freeAttempts: number;
}

/**
 * Counts attempts in the database, so that replicas share one limit and restarts do not reset it. The delay doubles
 * with every attempt past the free ones, up to 15 minutes; after an hour without an attempt all is forgotten.
 */
export class AttemptLimit {
  readonly #db: Knex;
  readonly #now: () => Date;

  constructor(options: { db: Knex; now: () => Date }) {
    this.#db = options.db;
    this.#now = options.now;
  }

  /**
   * Counts an attempt before it is made, so that many at once do not all pass.
   *
   * @returns Seconds to wait if the attempt must not be made, else 0.
   */
  async begin({ key, freeAttempts }: AttemptSubject): Promise<number> {
    const keyHash = hashKey(key);
    await this.#forgetOld();
    for (let race = 0; race < maxRaces; race++) {
      const now = this.#now();
      const row = await this.#rows().where({ key_hash: keyHash }).first();
      const waitMs = row ? Date.parse(row.blocked_until) - now.getTime() : 0;
      if (waitMs > 0) {
        return Math.ceil(waitMs / 1000);
      }
      const attempts = (row?.attempts ?? 0) + 1;
      const next: AttemptRow = {
        key_hash: keyHash,
        attempts,
        blocked_until: later(now, delaySeconds(attempts - freeAttempts)),
        forgotten_at: later(now, forgetSeconds),
      };
      if (row ? await this.#replace(row, next) : await this.#insert(next)) {
        return 0;
      }
    }
    return firstDelaySeconds;
  }

  /** Takes back one attempt that turned out to be legitimate. */
  async refund(key: string): Promise<void> {
    const keyHash = hashKey(key);
    await this.#rows()
      .where({ key_hash: keyHash })
      .where('attempts', '>', 0)
      .update({ attempts: this.#db.raw('attempts - 1') });
  }

  /** Forgets all attempts. */
  async clear(key: string): Promise<void> {
    await this.#rows()
      .where({ key_hash: hashKey(key) })
      .delete();
  }

  #rows() {
    return this.#db<AttemptRow>('sign_in_attempts');
  }

  async #insert(row: AttemptRow): Promise<boolean> {
    const inserted = await this.#rows().insert(row).onConflict('key_hash').ignore().returning('key_hash');
    return inserted.length > 0;
  }

  async #replace(seen: AttemptRow, next: AttemptRow): Promise<boolean> {
    const { key_hash, attempts, blocked_until } = seen;
    return (await this.#rows().where({ key_hash, attempts, blocked_until }).update(next)) > 0;
  }

  async #forgetOld(): Promise<void> {
    await this.#rows().where('forgotten_at', '<=', this.#now().toISOString()).delete();
  }
}

function delaySeconds(attemptsPastFree: number): number {
  return attemptsPastFree < 0 ? 0 : Math.min(firstDelaySeconds * 2 ** attemptsPastFree, maxDelaySeconds);
}

function later(time: Date, seconds: number): string {
  return new Date(time.getTime() + seconds * 1000).toISOString();
}

function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
