import type { Knex } from 'knex';
import { type ChainHead, genesisHash, headOf, sealAll } from '../record/chain.js';
import type { RecordContent, SealedRecord } from '../record/records.js';
import type { TrailSink } from '../TrailSink.js';
import { toRow } from './recordRows.js';

/** SQLite takes at most 500 rows in one statement. */
const ROWS_PER_INSERT = 200;
const ATTEMPTS = 10;

/** The last record of each chain. */
export interface ChainRow {
  id: string;
  started_at: string;
  last_seq: number | string;
  last_hash: string;
}

/** A trail as rows of the plugin's database. */
export class SqlTrail implements TrailSink {
  readonly kind = 'database';
  readonly name = 'the database';
  readonly #db: Knex;
  readonly #chain: string;
  readonly #now: () => Date;
  #head: ChainHead | undefined;

  /** @param options.chain - one per process; if there are two on it nevertheless, they take turns. */
  constructor(options: { db: Knex; chain: string; now: () => Date }) {
    this.#db = options.db;
    this.#chain = options.chain;
    this.#now = options.now;
  }

  async append(contents: readonly RecordContent[]): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const head = this.#head ?? (await this.#findHead());
      // Not known again before the transaction has ended well.
      this.#head = undefined;
      const records = sealAll(contents, head).map(({ record }) => record);
      if (await this.#write(records, head)) {
        this.#head = headOf(records.at(-1) as SealedRecord);
        return;
      }
    }
    throw new Error(`Others wrote to chain ${this.#chain} ${ATTEMPTS} times in between`);
  }

  async close(): Promise<void> {}

  /** @returns false if the chain does not end with `head` any more. */
  #write(records: readonly SealedRecord[], head: ChainHead): Promise<boolean> {
    const last = headOf(records.at(-1) as SealedRecord);
    return this.#db.transaction(async tx => {
      const moved = await tx<ChainRow>('audit_chains')
        .where({ id: head.chain, last_seq: head.seq, last_hash: head.hash })
        .update({ last_seq: last.seq, last_hash: last.hash });
      if (moved === 0) {
        return false;
      }
      for (let at = 0; at < records.length; at += ROWS_PER_INSERT) {
        await tx('audit_records').insert(records.slice(at, at + ROWS_PER_INSERT).map(toRow));
      }
      return true;
    });
  }

  async #findHead(): Promise<ChainHead> {
    const id = this.#chain;
    await this.#db<ChainRow>('audit_chains')
      .insert({ id, started_at: this.#now().toISOString(), last_seq: 0, last_hash: genesisHash })
      .onConflict('id')
      .ignore();
    const row = await this.#db<ChainRow>('audit_chains').where({ id }).first();
    if (!row) {
      throw new Error(`The row of chain ${id} is gone`);
    }
    return { chain: id, seq: Number(row.last_seq), hash: row.last_hash };
  }
}
