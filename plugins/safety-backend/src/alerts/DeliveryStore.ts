import type { Knex } from 'knex';

interface DeliveryRow {
  id: string;
  webhook: string;
  body: string;
  created_at_ms: number | string;
  attempts: number;
  next_attempt_at_ms: number | string;
}

/** A message that has not arrived yet. */
export interface Delivery {
  /** The same in every attempt, and at every webhook. */
  readonly id: string;
  readonly webhook: string;
  readonly body: string;
  /** With the one that it was claimed for. */
  readonly attempts: number;
}

/** What waits to be delivered, shared by all replicas. */
export class DeliveryStore {
  readonly #db: Knex;

  constructor(options: { db: Knex }) {
    this.#db = options.db;
  }

  async add(tx: Knex, messages: readonly Omit<Delivery, 'attempts'>[], nowMs: number): Promise<void> {
    if (messages.length > 0) {
      await tx<DeliveryRow>('safety_webhook_deliveries')
        .insert(messages.map(message => ({ ...message, created_at_ms: nowMs, attempts: 0, next_attempt_at_ms: nowMs })))
        .onConflict(['id', 'webhook'])
        .ignore();
    }
  }

  /**
   * Takes some that are due. Of all replicas one gets each; should it end before it says what became
   * of it, another gets it when the lease is over.
   */
  async claim(options: { webhook: string; nowMs: number; leaseMs: number; most: number }): Promise<Delivery[]> {
    const { webhook, nowMs, leaseMs, most } = options;
    const due = await this.#rows()
      .where({ webhook })
      .where('next_attempt_at_ms', '<=', nowMs)
      .orderBy(['next_attempt_at_ms', 'created_at_ms', 'id'])
      .limit(most);
    const claimed: Delivery[] = [];
    for (const { id, body, attempts, next_attempt_at_ms } of due) {
      const count = await this.#rows()
        .where({ id, webhook, attempts, next_attempt_at_ms })
        .update({ attempts: attempts + 1, next_attempt_at_ms: nowMs + leaseMs });
      if (count > 0) {
        claimed.push({ id, webhook, body, attempts: attempts + 1 });
      }
    }
    return claimed;
  }

  /** Unless it has been claimed anew since. */
  async postpone({ id, webhook, attempts }: Delivery, untilMs: number): Promise<void> {
    await this.#rows().where({ id, webhook, attempts }).update({ next_attempt_at_ms: untilMs });
  }

  async remove({ id, webhook }: Delivery): Promise<void> {
    await this.#rows().where({ id, webhook }).delete();
  }

  /** @returns how many of the oldest were removed, so that no more than `most` wait. */
  async trim(webhook: string, most: number): Promise<number> {
    const beyond = await this.#rows()
      .where({ webhook })
      .orderBy([
        { column: 'created_at_ms', order: 'desc' },
        { column: 'id', order: 'desc' },
      ])
      .offset(most)
      .limit(1_000)
      .select('id');
    const ids = beyond.map(({ id }) => id);
    return ids.length === 0 ? 0 : this.#rows().where({ webhook }).whereIn('id', ids).delete();
  }

  /** @returns how many were removed that have waited since before `beforeMs`, such as for webhooks that are gone. */
  async purge(beforeMs: number): Promise<number> {
    return this.#rows().where('created_at_ms', '<', beforeMs).delete();
  }

  #rows() {
    return this.#db<DeliveryRow>('safety_webhook_deliveries');
  }
}
