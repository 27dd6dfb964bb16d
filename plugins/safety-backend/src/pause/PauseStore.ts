import type { Knex } from 'knex';
import type { Pause, PauseScope } from './Pause.js';

interface PauseRow {
  id: string;
  scope: PauseScope;
  reason: string;
  since: string;
  paused_by: string;
}

const ID = 'pause';

/** The pause that all replicas share. */
export class PauseStore {
  readonly #db: Knex;

  constructor(options: { db: Knex }) {
    this.#db = options.db;
  }

  async find(): Promise<Pause | undefined> {
    return toPause(await this.#rows().where({ id: ID }).first());
  }

  /** Pauses, or changes the pause that there is; one of everything stays one of everything. */
  async pause(pause: { scope: PauseScope; reason: string; since: string; by: string }): Promise<Pause> {
    const { scope, reason, since, by } = pause;
    const [row] = await this.#rows()
      .insert({ id: ID, scope, reason, since, paused_by: by })
      .onConflict('id')
      .merge({
        scope: this.#db.raw(`case when safety_pause.scope = 'everything' then 'everything' else excluded.scope end`),
        reason,
        since,
        paused_by: by,
      })
      .returning('*');
    return toPause(row) as Pause;
  }

  /**
   * Takes the pause back that there is at this moment; not one that comes in between.
   *
   * @returns the one that was taken back, if there was one.
   */
  async resume(): Promise<Pause | undefined> {
    const row = await this.#rows().where({ id: ID }).first();
    return row && (await this.#rows().where(row).delete()) > 0 ? toPause(row) : undefined;
  }

  #rows() {
    return this.#db<PauseRow>('safety_pause');
  }
}

function toPause(row: PauseRow | undefined): Pause | undefined {
  return row && { source: 'database', scope: row.scope, reason: row.reason, since: row.since, by: row.paused_by };
}
