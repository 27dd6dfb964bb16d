import type { Knex } from 'knex';
import { ChainWalk } from '../record/ChainWalk.js';
import { isIntact } from '../record/chain.js';
import type { SealedRecord } from '../record/records.js';
import { type RecordRow, toRecord } from './recordRows.js';
import type { ChainRow } from './SqlTrail.js';

const PAGE = 500;

/** What became of one chain in the database. */
export interface ChainVerification {
  readonly chain: string;
  readonly ok: boolean;
  /** How many were looked at, up to the problem. */
  readonly records: number;
  readonly last: { readonly seq: number; readonly hash: string } | undefined;
  /** The first place where the chain is not as it was written. */
  readonly problem:
    | { readonly kind: 'changed' | 'removed' | 'reordered' | 'cut'; readonly seq: number; readonly message: string }
    | undefined;
}

/** Reads all chains of the database, also while they are written. */
export async function verifyChains(db: Knex): Promise<ChainVerification[]> {
  const rows = await db<ChainRow>('audit_chains').orderBy('started_at').orderBy('id');
  const known = new Set(rows.map(({ id }) => id));
  const lost: { chain: string }[] = await db<RecordRow>('audit_records').distinct('chain');
  const results: ChainVerification[] = lost
    .filter(({ chain }) => !known.has(chain))
    .map(({ chain }) => {
      const message = 'there are records of this chain, but nothing that says where it ends';
      return { chain, ok: false, records: 0, last: undefined, problem: { kind: 'removed', seq: 1, message } };
    });
  for (const row of rows) {
    results.push(await verifyChain(db, row));
  }
  return results;
}

async function verifyChain(db: Knex, { id: chain, last_seq, last_hash }: ChainRow): Promise<ChainVerification> {
  const lastSeq = Number(last_seq);
  const anchors = lastSeq === 0 ? [] : [{ chain, seq: lastSeq, hash: last_hash }];
  const walk = new ChainWalk({ keptFrom: 1, anchors });
  const problem = await findProblem(db, chain, walk);
  const { last, records } = walk;
  return { chain, ok: !problem, records, last: last && { seq: last.seq, hash: last.hash }, problem };
}

async function findProblem(db: Knex, chain: string, walk: ChainWalk): Promise<ChainVerification['problem']> {
  for (;;) {
    const page = await db<RecordRow>('audit_records')
      .where({ chain })
      .where('seq', '>', walk.last?.seq ?? Number.MIN_SAFE_INTEGER)
      .orderBy('seq')
      .limit(PAGE);
    for (const row of page) {
      const seq = Number(row.seq);
      const record = read(row);
      if (!record || !isIntact(record)) {
        return { kind: 'changed', seq, message: 'not as it was written' };
      }
      const found = walk.next(record);
      if (found) {
        const at = found.at === 'before' ? (walk.last?.seq ?? seq) : seq;
        return { kind: found.kind, seq: at, message: found.message };
      }
    }
    if (page.length < PAGE) {
      const message = walk.findCut();
      return message === undefined ? undefined : { kind: 'cut', seq: (walk.last?.seq ?? 0) + 1, message };
    }
  }
}

function read(row: RecordRow): SealedRecord | undefined {
  try {
    return toRecord(row);
  } catch {
    // Its input is not JSON any more.
    return undefined;
  }
}
