import type { ActionEffect, SafetyMode } from '@callboard/actions-api';
import type { Knex } from 'knex';
import { type CallRecord, callRecordKinds, type Seal } from '../record/records.js';
import { type RecordRow, toRecord } from './recordRows.js';

export type AuditEvent = CallRecord & Seal;

/** The place in the order of events after which a page starts. */
export interface EventPosition {
  readonly time: string;
  readonly chain: string;
  readonly seq: number;
}

export interface EventQuery {
  /** As records have it, or only its name, such as `user:default/ada`. */
  readonly principal?: string;
  readonly clientId?: string;
  readonly agentId?: string;
  readonly actionId?: string;
  readonly requestId?: string;
  readonly approvalId?: string;
  /** Any of these; none of them if it is empty. */
  readonly effects?: readonly ActionEffect[];
  readonly mode?: SafetyMode;
  /** All of a decision, or its first words: `needs_approval` finds `needs_approval_declined`. */
  readonly decision?: string;
  /** ISO 8601 UTC with milliseconds; the first to be found. */
  readonly since?: string;
  /** The first not to be found. */
  readonly until?: string;
  readonly after?: EventPosition;
  readonly limit: number;
}

/** The records of calls in the database, of all replicas. */
export class AuditEvents {
  readonly #db: Knex;

  constructor(options: { db: Knex }) {
    this.#db = options.db;
  }

  /** Lists records that match all filters, newest first. */
  async listEvents({ effects, decision, since, until, after, limit, ...equal }: EventQuery): Promise<AuditEvent[]> {
    const query = this.#db<RecordRow>('audit_records')
      .whereIn('kind', [...callRecordKinds])
      .orderBy([
        { column: 'time', order: 'desc' },
        { column: 'chain', order: 'desc' },
        { column: 'seq', order: 'desc' },
      ])
      .limit(limit);
    const columns = {
      client_id: equal.clientId,
      agent_id: equal.agentId,
      action_id: equal.actionId,
      request_id: equal.requestId,
      approval_id: equal.approvalId,
      mode: equal.mode,
    };
    for (const [column, value] of Object.entries(columns)) {
      if (value !== undefined) {
        query.where(column, value);
      }
    }
    if (equal.principal !== undefined) {
      query.where(isPrincipal(equal.principal));
    }
    if (effects !== undefined) {
      query.whereIn('effect', [...effects]);
    }
    if (decision !== undefined) {
      query.where(where => void where.where({ decision }).orWhere(startsWith('decision', `${decision}_`)));
    }
    if (since !== undefined) {
      query.where('time', '>=', since);
    }
    if (until !== undefined) {
      query.where('time', '<', until);
    }
    if (after) {
      query.whereRaw('(??, ??, ??) < (?, ?, ?)', ['time', 'chain', 'seq', after.time, after.chain, after.seq]);
    }
    return (await query).map(row => toRecord(row) as AuditEvent);
  }
}

/** Records have principals as Backstage writes them: kind, name, and perhaps on whose behalf and with what limits. */
function isPrincipal(name: string) {
  const kinds = ['userPrincipal', 'servicePrincipal'];
  return (where: Knex.QueryBuilder) => {
    where.whereIn('principal', [name, ...kinds.map(kind => `${kind}{${name}}`)]);
    for (const kind of kinds) {
      where.orWhere(startsWith('principal', `${kind}{${name},`));
    }
  };
}

function startsWith(column: string, start: string) {
  return (where: Knex.QueryBuilder) => void where.whereRaw('substr(??, 1, ?) = ?', [column, [...start].length, start]);
}
