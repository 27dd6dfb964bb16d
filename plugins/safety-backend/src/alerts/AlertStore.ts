import type { Alert, AlertEvent } from '@callboard/actions-api';
import type { Knex } from 'knex';

export interface AlertRow {
  id: string;
  event: AlertEvent;
  time: string;
  message: string;
  details: string;
}

export interface KeptAlert extends Alert {
  readonly id: string;
}

export interface AlertQuery {
  readonly event?: AlertEvent;
  /** ISO 8601 UTC with milliseconds; the first to be found. */
  readonly since?: string;
  readonly limit: number;
}

/** The alerts of all replicas, for some time. */
export class AlertStore {
  readonly #db: Knex;

  constructor(options: { db: Knex }) {
    this.#db = options.db;
  }

  async add(tx: Knex, alerts: readonly KeptAlert[]): Promise<void> {
    const rows = alerts.map(({ id, event, time, message, details }) => {
      return { id, event, time, message, details: JSON.stringify(details) };
    });
    await tx<AlertRow>('safety_alerts').insert(rows).onConflict('id').ignore();
  }

  /** Newest first. */
  async list({ event, since, limit }: AlertQuery): Promise<KeptAlert[]> {
    const query = this.#db<AlertRow>('safety_alerts')
      .orderBy([
        { column: 'time', order: 'desc' },
        { column: 'id', order: 'desc' },
      ])
      .limit(limit);
    if (event !== undefined) {
      query.where({ event });
    }
    if (since !== undefined) {
      query.where('time', '>=', since);
    }
    return (await query).map(({ details, ...row }) => ({ ...row, details: JSON.parse(details) }));
  }

  /** Removes what is older than `before`, and the oldest of those beyond `most`. */
  async prune({ before, most }: { before: string; most: number }): Promise<void> {
    const [firstBeyond] = await this.#db<AlertRow>('safety_alerts')
      .orderBy('time', 'desc')
      .offset(most)
      .limit(1)
      .select('time');
    await this.#db<AlertRow>('safety_alerts').where('time', '<', before).delete();
    if (firstBeyond) {
      await this.#db<AlertRow>('safety_alerts').where('time', '<=', firstBeyond.time).delete();
    }
  }
}
