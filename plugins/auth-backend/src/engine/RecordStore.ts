import { createHash, randomBytes } from 'node:crypto';
import type { Knex } from 'knex';

/**
 * Stands for the record's id inside its payload, so that what is stored cannot be redeemed. JSON escapes control
 * characters, so nothing that somebody sent can look like it.
 */
const OWN_ID = '\u001aid\u001a';
const INSERT_BATCH = 500;

export interface StoredRecord {
  payload: Record<string, unknown>;
  consumedAtMs: number | undefined;
}

export interface NewRecord {
  payload: Record<string, unknown>;
  grantId?: string;
  /** A second name by which it is found: a user code, or a session's uid. */
  alias?: string;
  expiresInSeconds?: number;
  /** What happens to one that exists; `refuse` throws. */
  onConflict: 'replace' | 'keep' | 'refuse';
}

/** How an attempt to use a record for the only time ended; the salt is for what follows it. */
export type Consumption = { outcome: 'won' | 'again'; salt: string } | { outcome: 'lost'; grantId: string | undefined };

interface RecordRow {
  model: string;
  id_hash: string;
  grant_id: string | null;
  alias: string | null;
  payload: string;
  created_at: string;
  expires_at: string | null;
  consumed_at: string | null;
  successor_salt: string | null;
  used_at: string | null;
}

/**
 * Codes, tokens, sessions, grants and clients of the authorization server in one table. Ids are kept as SHA-256
 * hashes only: they have 256 random bits, so a hash is as good as the id, and a dump of the table redeems nothing.
 */
export class RecordStore {
  readonly #db: Knex;
  readonly #now: () => number;

  constructor(options: { db: Knex; now: () => number }) {
    this.#db = options.db;
    this.#now = options.now;
  }

  async find(model: string, id: string): Promise<StoredRecord | undefined> {
    const row = await this.#records()
      .where({ model, id_hash: hash(id) })
      .first();
    return row && readRow(row, id);
  }

  /** The id of what is found stays unknown, so it cannot be saved again. */
  async findByAlias(model: string, alias: string): Promise<StoredRecord | undefined> {
    const row = await this.#records()
      .where({ model, alias: hash(alias) })
      .orderBy('created_at', 'desc')
      .first();
    return row && readRow(row, undefined);
  }

  /** @throws Error if it exists and must not. */
  async put(model: string, id: string, record: NewRecord): Promise<void> {
    const { payload, grantId, alias, expiresInSeconds, onConflict } = record;
    const changing = {
      grant_id: grantId ?? null,
      alias: alias === undefined ? null : hash(alias),
      payload: JSON.stringify(payload).replaceAll(id, OWN_ID),
      expires_at: expiresInSeconds === undefined ? null : this.#at(expiresInSeconds),
    };
    const insert = this.#records().insert({ model, id_hash: hash(id), created_at: this.#at(0), ...changing });
    if (onConflict === 'refuse') {
      await insert;
    } else if (onConflict === 'keep') {
      await insert.onConflict(['model', 'id_hash']).ignore();
    } else {
      await insert.onConflict(['model', 'id_hash']).merge(changing);
    }
  }

  /**
   * Uses a record for the only time. One statement decides among all that try, in whichever process.
   *
   * @param graceSeconds - within which a later attempt gets the first one's salt instead of losing.
   */
  async consume(model: string, id: string, graceSeconds: number): Promise<Consumption> {
    const salt = randomBytes(32).toString('base64url');
    const changedRows = await this.#records()
      .where({ model, id_hash: hash(id) })
      .whereNull('consumed_at')
      .update({ consumed_at: this.#at(0), successor_salt: salt });
    if (changedRows === 1) {
      return { outcome: 'won', salt };
    }
    const row = await this.#records()
      .where({ model, id_hash: hash(id) })
      .first();
    // Without a grace no clock is asked: those of replicas differ.
    const isInGrace =
      graceSeconds > 0 && row?.consumed_at != null && Date.parse(row.consumed_at) > this.#now() - graceSeconds * 1000;
    return isInGrace && row.successor_salt
      ? { outcome: 'again', salt: row.successor_salt }
      : { outcome: 'lost', grantId: row?.grant_id ?? undefined };
  }

  /**
   * Changes what is found under an alias.
   *
   * @returns false if there is nothing, or somebody else changed it in between.
   */
  async changeByAlias(
    model: string,
    alias: string,
    change: (payload: Record<string, unknown>) => { payload: Record<string, unknown>; grantId?: string },
  ): Promise<boolean> {
    const row = await this.#records()
      .where({ model, alias: hash(alias) })
      .orderBy('created_at', 'desc')
      .first();
    if (!row) {
      return false;
    }
    const { payload, grantId } = change(readRow(row, undefined).payload);
    const changedRows = await this.#records()
      .where({ model, id_hash: row.id_hash, payload: row.payload })
      .update({ payload: JSON.stringify({ ...payload, jti: '' }), grant_id: grantId ?? row.grant_id });
    return changedRows === 1;
  }

  async delete(model: string, id: string): Promise<void> {
    await this.#records()
      .where({ model, id_hash: hash(id) })
      .delete();
  }

  async deleteByGrant(model: string, grantId: string): Promise<void> {
    await this.#records().where({ model, grant_id: grantId }).delete();
  }

  /** Whether the grant, and so everything issued under it, still counts. */
  async hasGrant(grantId: string): Promise<boolean> {
    return (await this.find('Grant', grantId)) !== undefined;
  }

  /** Ends a grant and everything that was issued under it. */
  async revokeGrant(grantId: string): Promise<void> {
    await this.#db.transaction(async tx => {
      // The grant goes first: a token that is saved at this moment is an orphan, which nothing accepts.
      await tx<RecordRow>('callboard_records')
        .where({ model: 'Grant', id_hash: hash(grantId) })
        .delete();
      await tx<RecordRow>('callboard_records').where({ grant_id: grantId }).delete();
      await tx('callboard_grants').where({ id: grantId }).delete();
    });
  }

  async countOf(model: string): Promise<number> {
    const [row] = await this.#db('callboard_records').where({ model }).count({ count: '*' });
    return Number(row?.count ?? 0);
  }

  /** Notes that somebody approved or used it, and how long it lives from now on. */
  async markUsed(model: string, id: string, expiresInSeconds: number): Promise<void> {
    await this.#records()
      .where({ model, id_hash: hash(id) })
      .update({ used_at: this.#at(0), expires_at: this.#at(expiresInSeconds) });
  }

  /** Deletes up to `limit` records that nobody ever used, oldest first. */
  async deleteOldestUnused(model: string, limit: number): Promise<number> {
    const oldest = await this.#records()
      .where({ model })
      .whereNull('used_at')
      .orderBy('created_at')
      .limit(Math.min(limit, INSERT_BATCH))
      .pluck('id_hash');
    return this.#records().where({ model }).whereNull('used_at').whereIn('id_hash', oldest).delete();
  }

  /** Deletes what has expired. */
  async purge(): Promise<void> {
    await this.#records().where('expires_at', '<', this.#at(0)).delete();
    await this.#db('callboard_grants')
      .whereNotExists(this.#db('callboard_records').whereRaw('callboard_records.grant_id = callboard_grants.id'))
      .where('created_at', '<', this.#at(-86_400))
      .delete();
  }

  #records() {
    return this.#db<RecordRow>('callboard_records');
  }

  #at(secondsFromNow: number): string {
    return new Date(this.#now() + secondsFromNow * 1000).toISOString();
  }
}

function hash(id: string): string {
  return createHash('sha256').update(id).digest('hex');
}

function readRow(row: RecordRow, id: string | undefined): StoredRecord {
  const payload = JSON.parse(row.payload.replaceAll(OWN_ID, id ?? ''));
  return {
    payload: 'jti' in payload ? { ...payload, jti: id } : payload,
    consumedAtMs: row.consumed_at === null ? undefined : Date.parse(row.consumed_at),
  };
}
