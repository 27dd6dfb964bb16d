import type { RequestHandler } from 'express';
import type { Knex } from 'knex';
import type { RecordStore } from '../engine/RecordStore.js';
import { networkOf } from '../signIn/networkOf.js';

const TABLE = 'callboard_registration_counts';
const HOUR_MS = 3_600_000;
/** Addresses that are counted by themselves in an hour; all others share one count. */
const MAX_ADDRESSES = 10_000;
const OTHER_ADDRESSES = '*';
const MAKE_ROOM_FOR = 20;

/**
 * Keeps a flood of registrations from filling the database, and from keeping others out: each address has its rate,
 * and where all clients become too many, the oldest that nobody approved go first. Counted in the database, so that
 * replicas count together.
 */
export class RegistrationLimits {
  readonly #db: Knex;
  readonly #store: RecordStore;
  readonly #maxClients: number;
  readonly #perAddressPerHour: number;
  readonly #now: () => number;

  constructor(options: {
    db: Knex;
    store: RecordStore;
    maxClients: number;
    perAddressPerHour: number;
    now: () => number;
  }) {
    this.#db = options.db;
    this.#store = options.store;
    this.#maxClients = options.maxClients;
    this.#perAddressPerHour = options.perAddressPerHour;
    this.#now = options.now;
  }

  /** Counts a registration. */
  async admit(address: string): Promise<{ admitted: true } | { admitted: false; retryAfterSeconds: number }> {
    const { count, since } = await this.#count(networkOf(address));
    if (count > this.#perAddressPerHour) {
      const againAtMs = Date.parse(since) + HOUR_MS;
      return { admitted: false, retryAfterSeconds: Math.ceil((againAtMs - this.#now()) / 1000) };
    }
    const excess = await this.#excess();
    if (excess > 0) {
      const someMore = Math.min(MAKE_ROOM_FOR, Math.floor(this.#maxClients / 10));
      await this.#store.deleteOldestUnused('Client', Math.max(excess, someMore));
      // Asked again rather than derived: others make room at the same time.
      if ((await this.#excess()) > 0) {
        return { admitted: false, retryAfterSeconds: 60 };
      }
    }
    return { admitted: true };
  }

  async #excess(): Promise<number> {
    return (await this.#store.countOf('Client')) - this.#maxClients + 1;
  }

  /** @returns how often this address has come since the hour that its first registration began, this time included. */
  async #count(address: string): Promise<{ count: number; since: string }> {
    const now = new Date(this.#now()).toISOString();
    const anHourAgo = new Date(this.#now() - HOUR_MS).toISOString();
    const count = `${TABLE}.count`;
    const since = `${TABLE}.since`;
    const [row] = await this.#db(TABLE)
      .insert({ address: await this.#countedAs(address), since: now, count: 1 })
      .onConflict('address')
      .merge({
        count: this.#db.raw('case when ?? <= ? then 1 else ?? + 1 end', [since, anHourAgo, count]),
        since: this.#db.raw('case when ?? <= ? then ? else ?? end', [since, anHourAgo, now, since]),
      })
      .returning(['count', 'since']);
    if (row.count === 1) {
      await this.#db(TABLE).where('since', '<=', anHourAgo).delete();
    }
    return row;
  }

  async #countedAs(address: string): Promise<string> {
    if (await this.#db(TABLE).where({ address }).first('address')) {
      return address;
    }
    const [{ addresses } = { addresses: 0 }] = await this.#db(TABLE).count({ addresses: '*' });
    return Number(addresses) >= MAX_ADDRESSES ? OTHER_ADDRESSES : address;
  }
}

/** Answers registrations beyond the limits with 429 (RFC 6585 §4). */
export function limitRegistrations(limits: RegistrationLimits): RequestHandler {
  return async (req, res, next) => {
    const admission = await limits.admit(req.ip ?? '');
    if (admission.admitted) {
      next();
      return;
    }
    res
      .status(429)
      .set({ 'Cache-Control': 'no-store', 'Retry-After': String(admission.retryAfterSeconds) })
      .json({
        error: 'temporarily_unavailable',
        error_description: 'Too many clients were registered; try again later',
      });
  };
}
