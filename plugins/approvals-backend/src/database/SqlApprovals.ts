import { createHash, randomBytes } from 'node:crypto';
import {
  type Approval,
  type ApprovalBook,
  type ApprovalChannel,
  type ApprovalRequest,
  type ApprovalState,
  type ClientAnswer,
  TooManyRequestsError,
} from '@callboard/actions-api';
import type { Knex } from 'knex';
import type { ApprovalEvents } from '../ApprovalEvents.js';
import { type ApprovalRow, toApproval } from './approvalRows.js';

const KEY_NAME = 'state';
/** Each fails only if another replica opens and ends an approval of the same binding in between. */
const OPEN_ATTEMPTS = 10;
/** Of PostgreSQL's locks between sessions, those for opening approvals. */
const OPEN_LOCK = 0x0a9b;

/** What is asked for, newest first. */
export interface ApprovalQuery {
  readonly state?: ApprovalState;
  readonly principal?: string;
  /** The last one of the page before. */
  readonly after?: ApprovalPosition;
  readonly limit: number;
}

export interface ApprovalPosition {
  readonly requestedAt: string;
  readonly id: string;
}

/** Somebody's decision, other than at the caller's own client. */
export interface Decision {
  readonly state: 'approved' | 'denied';
  /** A principal. */
  readonly decidedBy: string;
  readonly channel: Exclude<ApprovalChannel, 'client'>;
  readonly comment?: string;
}

/** Approvals as rows, which survive restarts and are shared by all replicas. */
export class SqlApprovals implements ApprovalBook {
  readonly isDurable = true;
  readonly #db: Knex;
  readonly #lifetimeMs: number;
  readonly #maxPendingPerPrincipal: number;
  readonly #keepMs: number;
  readonly #urlOf: (approval: Approval) => string | undefined;
  readonly #events: ApprovalEvents;
  readonly #now: () => Date;
  #stateKey: Uint8Array | undefined;

  constructor(options: {
    db: Knex;
    lifetimeMs: number;
    maxPendingPerPrincipal: number;
    /** How long approvals that are over are kept. */
    keepMs: number;
    urlOf: (approval: Approval) => string | undefined;
    events: ApprovalEvents;
    now: () => Date;
  }) {
    this.#db = options.db;
    this.#lifetimeMs = options.lifetimeMs;
    this.#maxPendingPerPrincipal = options.maxPendingPerPrincipal;
    this.#keepMs = options.keepMs;
    this.#urlOf = options.urlOf;
    this.#events = options.events;
    this.#now = options.now;
  }

  async stateKey(): Promise<Uint8Array> {
    if (!this.#stateKey) {
      // Whichever replica comes first makes it.
      await this.#db('approval_keys')
        .insert({ name: KEY_NAME, key: randomBytes(32).toString('base64') })
        .onConflict('name')
        .ignore();
      const row: { key: string } = await this.#db('approval_keys').where('name', KEY_NAME).first();
      this.#stateKey = Buffer.from(row.key, 'base64');
    }
    return this.#stateKey;
  }

  async find(binding: string): Promise<Approval | undefined> {
    const now = this.#isoNow();
    const row = await this.#rows().where('open_binding', binding).where('expires_at', '>', now).first();
    return row && toApproval(row, now);
  }

  async open(request: ApprovalRequest): Promise<Approval> {
    const { binding } = request;
    for (let attempt = 1; attempt <= OPEN_ATTEMPTS; attempt += 1) {
      const found = await this.find(binding);
      if (found) {
        return found;
      }
      // What has expired makes room; that it has is noted, and told, by the sweep.
      await this.#rows()
        .where('open_binding', binding)
        .where('expires_at', '<=', this.#isoNow())
        .update('open_binding', null);
      const opened = await this.#insert(request);
      if (opened === 'too many') {
        throw new TooManyRequestsError(
          `${request.principal} has ${this.#maxPendingPerPrincipal} calls that wait for approval (approvals.maxPendingPerPrincipal); have some of them decided first`,
        );
      }
      if (opened) {
        this.#events.opened(opened);
        return opened;
      }
    }
    throw new Error(`Others opened approvals of the same call ${OPEN_ATTEMPTS} times in between`);
  }

  async redeem(binding: string): Promise<Approval | undefined> {
    const now = this.#isoNow();
    const [row] = await this.#rows()
      .where({ open_binding: binding, state: 'approved' })
      .where('expires_at', '>', now)
      .update({ state: 'used', open_binding: null })
      .returning('*');
    return row && toApproval(row, now);
  }

  async answer(id: string, binding: string, answer: ClientAnswer): Promise<Approval | undefined> {
    const now = this.#isoNow();
    const [row] = await this.#rows()
      .where({ id, binding, state: 'pending' })
      .where('expires_at', '>', now)
      .update({
        state: answer === 'accept' ? 'used' : 'denied',
        // The person may be asked about the same call again: nobody but themselves was bothered.
        open_binding: null,
        decided_at: now,
        channel: 'client',
      })
      .returning('*');
    const approval = row && toApproval(row, now);
    if (approval && answer !== 'cancel') {
      this.#events.decided(approval);
    }
    return approval;
  }

  urlOf(approval: Approval): string | undefined {
    return this.#urlOf(approval);
  }

  async findById(id: string): Promise<Approval | undefined> {
    const row = await this.#rows().where({ id }).first();
    return row && toApproval(row, this.#isoNow());
  }

  /**
   * Decides about a pending approval. An approved one can be used for a fresh lifetime; a denied one
   * stands for its binding until it would have expired.
   *
   * @returns undefined if it is not pending any more.
   */
  async decide(id: string, decision: Decision): Promise<Approval | undefined> {
    const { state, decidedBy, channel, comment = null } = decision;
    const now = this.#isoNow();
    const [row] = await this.#rows()
      .where({ id, state: 'pending' })
      .where('expires_at', '>', now)
      .update({
        state,
        decided_at: now,
        decided_by: decidedBy,
        channel,
        comment,
        ...(state === 'approved' && { expires_at: this.#isoExpiry() }),
      })
      .returning('*');
    const approval = row && toApproval(row, now);
    if (approval) {
      this.#events.decided(approval);
    }
    return approval;
  }

  /** Lists approvals, newest first. */
  async list({ state, principal, after, limit }: ApprovalQuery): Promise<Approval[]> {
    const now = this.#isoNow();
    const query = this.#rows()
      .orderBy([
        { column: 'requested_at', order: 'desc' },
        { column: 'id', order: 'desc' },
      ])
      .limit(limit);
    if (state !== undefined) {
      query.where(isIn(state, now));
    }
    if (principal !== undefined) {
      query.where('principal_hash', hashOf(principal));
    }
    if (after) {
      query.whereRaw('(??, ??) < (?, ?)', ['requested_at', 'id', after.requestedAt, after.id]);
    }
    return (await query).map(row => toApproval(row, now));
  }

  /** Changes whenever the state of an approval does. */
  async stateCounts(): Promise<string> {
    const now = this.#isoNow();
    const rows: { state: string; late: number; n: number | string }[] = await this.#db('approvals')
      .select('state', this.#db.raw('case when expires_at <= ? then 1 else 0 end as late', [now]))
      .count('* as n')
      .groupBy('state', 'late');
    return rows
      .map(({ state, late, n }) => `${state}${late}:${n}`)
      .sort()
      .join();
  }

  /** The states of these approvals; those that do not exist are left out. */
  async statesOf(ids: readonly string[]): Promise<Map<string, ApprovalState>> {
    const now = this.#isoNow();
    const rows = await this.#rows().whereIn('id', ids).select('id', 'state', 'expires_at');
    return new Map(
      rows.map(({ id, state, expires_at: expiresAt }) => {
        const isLate = (state === 'pending' || state === 'approved') && expiresAt <= now;
        return [id, isLate ? 'expired' : state];
      }),
    );
  }

  /** Notes what has expired, each approval in one replica only, and removes what is long over. */
  async sweep(): Promise<void> {
    const now = this.#isoNow();
    await this.#rows()
      .where('state', 'approved')
      .where('expires_at', '<=', now)
      .update({ state: 'expired', open_binding: null });
    const timedOut = await this.#rows()
      .where('state', 'pending')
      .where('expires_at', '<=', now)
      .update({ state: 'expired', open_binding: null })
      .returning('*');
    for (const row of timedOut) {
      this.#events.timedOut(toApproval(row, now));
    }
    const keptSince = new Date(this.#now().getTime() - this.#keepMs).toISOString();
    await this.#rows().whereIn('state', ['denied', 'used', 'expired']).where('expires_at', '<=', keptSince).delete();
  }

  /** @returns undefined if another call has opened one of this binding in between. */
  #insert(request: ApprovalRequest): Promise<Approval | 'too many' | undefined> {
    const now = this.#isoNow();
    const row: ApprovalRow = {
      id: randomBytes(16).toString('base64url'),
      binding: request.binding,
      open_binding: request.binding,
      principal_hash: hashOf(request.principal),
      state: 'pending',
      request: JSON.stringify(request),
      requested_at: now,
      expires_at: this.#isoExpiry(),
      decided_at: null,
      decided_by: null,
      channel: null,
      comment: null,
    };
    return this.#db.transaction(async tx => {
      if (this.#db.client.dialect === 'postgresql') {
        // SQLite has one writer at a time anyway; here others could count at the same moment as this.
        await tx.raw('select pg_advisory_xact_lock(?, hashtext(?))', [OPEN_LOCK, row.principal_hash]);
      }
      const [counted] = await tx('approvals')
        .where({ principal_hash: row.principal_hash, state: 'pending' })
        .where('expires_at', '>', now)
        .count('* as n');
      if (Number(counted?.n) >= this.#maxPendingPerPrincipal) {
        return 'too many';
      }
      const inserted = await tx<ApprovalRow>('approvals')
        .insert(row)
        .onConflict('open_binding')
        .ignore()
        .returning('id');
      return inserted.length === 0 ? undefined : toApproval(row, now);
    });
  }

  #rows(): Knex.QueryBuilder<ApprovalRow, ApprovalRow[]> {
    return this.#db<ApprovalRow>('approvals');
  }

  #isoNow(): string {
    return this.#now().toISOString();
  }

  #isoExpiry(): string {
    return new Date(this.#now().getTime() + this.#lifetimeMs).toISOString();
  }
}

/** Whether a row is in a state, expired ones that nobody has noted yet included. */
function isIn(state: ApprovalState, now: string) {
  return (where: Knex.QueryBuilder) => {
    if (state === 'expired') {
      where.where('state', 'expired').orWhere(late => {
        late.whereIn('state', ['pending', 'approved']).where('expires_at', '<=', now);
      });
      return;
    }
    where.where('state', state);
    if (state === 'pending' || state === 'approved') {
      where.where('expires_at', '>', now);
    }
  };
}

/** Names may be longer than an index takes. */
function hashOf(principal: string): string {
  return createHash('sha256').update(principal).digest('hex');
}
