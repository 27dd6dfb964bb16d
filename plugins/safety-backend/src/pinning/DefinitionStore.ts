import type { Knex } from 'knex';
import type { Definition } from './definitions.js';

interface SeenRow {
  action_id: string;
  fingerprint: string;
  definition: string;
  seen_at: string;
}

interface AcceptedRow {
  action_id: string;
  fingerprint: string;
  definition: string;
  accepted_at: string;
  accepted_by: string;
}

export interface AcceptedDefinition extends Definition {
  readonly acceptedAt: string;
  readonly acceptedBy: string;
}

export interface SeenDefinition extends Definition {
  readonly seenAt: string;
}

const ROWS_AT_ONCE = 100;
/** Of one action that nobody has accepted; older ones are forgotten. */
const MAX_SEEN = 5;

/** The definitions that were seen, and those that operators have accepted. Shared by all replicas. */
export class DefinitionStore {
  readonly #db: Knex;

  constructor(options: { db: Knex }) {
    this.#db = options.db;
  }

  /** A number that grows whenever the accepted definitions change. */
  async getRevision(db: Knex = this.#db): Promise<number> {
    const row = await db('safety_definitions_revision').where({ id: 'accepted' }).first();
    return Number(row.revision);
  }

  /** Fingerprints by action id. */
  async listAcceptedFingerprints(): Promise<Map<string, string>> {
    const rows = await this.#accepted().select('action_id', 'fingerprint');
    return new Map(rows.map(({ action_id, fingerprint }) => [action_id, fingerprint]));
  }

  async listAccepted(): Promise<AcceptedDefinition[]> {
    const rows = await this.#accepted().orderBy('action_id');
    return rows.map(({ action_id, fingerprint, definition, accepted_at, accepted_by }) => ({
      actionId: action_id,
      fingerprint,
      text: definition,
      acceptedAt: accepted_at,
      acceptedBy: accepted_by,
    }));
  }

  /** What was last seen of each action, be it accepted or not. */
  async listCurrent(db: Knex = this.#db): Promise<SeenDefinition[]> {
    const rows = await this.#seen(db).orderBy(['action_id', 'seen_at']);
    const latest = new Map(rows.map(row => [row.action_id, row]));
    return [...latest.values()].map(({ action_id, fingerprint, definition, seen_at }) => ({
      actionId: action_id,
      fingerprint,
      text: definition,
      seenAt: seen_at,
    }));
  }

  /**
   * Writes down what is there now.
   *
   * @returns those that no replica has seen before.
   */
  async recordSeen(definitions: readonly Definition[], seenAt: string): Promise<Definition[]> {
    const unseen: Definition[] = [];
    for (let from = 0; from < definitions.length; from += ROWS_AT_ONCE) {
      const part = definitions.slice(from, from + ROWS_AT_ONCE);
      const keys = part.map(({ actionId, fingerprint }) => [actionId, fingerprint]);
      const inserted = await this.#seen()
        .insert(
          part.map(({ actionId, fingerprint, text }) => ({
            action_id: actionId,
            fingerprint,
            definition: text,
            seen_at: seenAt,
          })),
        )
        .onConflict(['action_id', 'fingerprint'])
        .ignore()
        .returning(['action_id', 'fingerprint']);
      await this.#seen().whereIn(['action_id', 'fingerprint'], keys).update({ seen_at: seenAt });
      unseen.push(
        ...part.filter(({ actionId, fingerprint }) =>
          inserted.some(row => row.action_id === actionId && row.fingerprint === fingerprint),
        ),
      );
    }
    for (const { actionId } of unseen) {
      await this.#forgetOldest(actionId);
    }
    return unseen;
  }

  /** Accepts definitions as they are; other ones of the same actions are no longer accepted. */
  async accept(definitions: readonly Definition[], acceptedAt: string, acceptedBy: string): Promise<void> {
    await this.#db.transaction(async transaction => {
      // Held until the end: of two that accept at once, one waits for the other.
      await transaction('safety_definitions_revision').where({ id: 'accepted' }).increment('revision', 1);
      for (const { actionId, fingerprint, text } of definitions) {
        await this.#accepted(transaction)
          .insert({
            action_id: actionId,
            fingerprint,
            definition: text,
            accepted_at: acceptedAt,
            accepted_by: acceptedBy,
          })
          .onConflict('action_id')
          .merge();
        await this.#seen(transaction).where({ action_id: actionId }).whereNot({ fingerprint }).delete();
      }
    });
  }

  async #forgetOldest(actionId: string): Promise<void> {
    const kept = await this.#seen()
      .where({ action_id: actionId })
      .orderBy('seen_at', 'desc')
      .limit(MAX_SEEN)
      .select('fingerprint');
    await this.#seen()
      .where({ action_id: actionId })
      .whereNotIn(
        'fingerprint',
        kept.map(({ fingerprint }) => fingerprint),
      )
      .delete();
  }

  #seen(db: Knex = this.#db) {
    return db<SeenRow>('safety_seen_definitions');
  }

  #accepted(db: Knex = this.#db) {
    return db<AcceptedRow>('safety_accepted_definitions');
  }
}
