import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';

interface LeaseRow {
  key: string;
  slot: number;
  lease: string;
  expires_at_ms: number | string;
}

/** A slot, held until it is given back or its holder no longer says that it is there. */
export interface Lease {
  readonly key: string;
  readonly slot: number;
  readonly lease: string;
}

/** How long a slot stays taken after its process has died. */
export const LEASE_MS = 30_000;
const EXTENDED_AT_ONCE = 500;

/** Slots for calls that are under way, shared by all replicas: a row each, which expires by itself. */
export class LeaseStore {
  readonly #db: Knex;

  constructor(options: { db: Knex }) {
    this.#db = options.db;
  }

  /** @returns undefined if all `most` slots are taken. */
  async acquire(options: { key: string; most: number; nowMs: number }): Promise<Lease | undefined> {
    const { key, nowMs } = options;
    for (;;) {
      const slot = await this.#findFreeSlot(options);
      if (slot === undefined) {
        return undefined;
      }
      const lease = randomUUID();
      const taken = await this.#rows()
        .insert({ key, slot, lease, expires_at_ms: nowMs + LEASE_MS })
        .onConflict(['key', 'slot'])
        .merge()
        .where('safety_leases.expires_at_ms', '<=', nowMs)
        .returning('slot');
      // Where another call was quicker there is one free slot less, so this comes to an end.
      if (taken.length > 0) {
        return { key, slot, lease };
      }
    }
  }

  /** @returns false if it had expired and was given to another call. */
  async release({ key, slot, lease }: Lease): Promise<boolean> {
    return (await this.#rows().where({ key, slot, lease }).delete()) > 0;
  }

  /** Says that these slots are still held. What is not named expires, also what its process lost track of. */
  async extend(leases: readonly Lease[], nowMs: number): Promise<void> {
    for (let from = 0; from < leases.length; from += EXTENDED_AT_ONCE) {
      const ids = leases.slice(from, from + EXTENDED_AT_ONCE).map(({ lease }) => lease);
      await this.#rows()
        .whereIn('lease', ids)
        .update({ expires_at_ms: nowMs + LEASE_MS });
    }
  }

  async purge(nowMs: number): Promise<void> {
    await this.#rows().where('expires_at_ms', '<=', nowMs).delete();
  }

  /** A random one, so that calls which come at once rarely want the same. */
  async #findFreeSlot(options: { key: string; most: number; nowMs: number }): Promise<number | undefined> {
    const { key, most, nowMs } = options;
    const rows = await this.#rows().where({ key }).where('expires_at_ms', '>', nowMs).select('slot');
    const taken = new Set(rows.map(({ slot }) => slot));
    const free = Array.from({ length: most }, (_, index) => index + 1).filter(slot => !taken.has(slot));
    return free[Math.floor(Math.random() * free.length)];
  }

  #rows() {
    return this.#db<LeaseRow>('safety_leases');
  }
}
