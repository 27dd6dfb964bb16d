import type { JsonObject } from '@backstage/types';
import type { LogLevel } from '@callboard/actions-api';
import { RefusedRequest } from '../../guards/RefusedRequest.js';

/** What has to be known of a session to go on with it in another process. */
export interface SessionRecord {
  readonly id: string;
  /** Principal, and client, that opened it; see `ownerOf`. */
  readonly owner: string;
  /** Of the server that it was opened on; undefined for the default one. */
  readonly serverKey: string | undefined;
  readonly openedAtMs: number;
  /** The parameters of the client's `initialize`; undefined before that. */
  readonly initialize: JsonObject | undefined;
  /** From which level on the client wants log messages; undefined where it has not said so. */
  readonly logLevel: LogLevel | undefined;
  /** The resources of whose changes it wants to hear. */
  readonly subscriptions: readonly string[];
  /** When the credentials of its last request end; undefined for those that do not. */
  readonly expiresAtMs: number | undefined;
  /** The replica that has the stream on which the server speaks first, or had it last. */
  readonly speaker: string | undefined;
}

/** What changes of a session, as it goes from replica to replica. */
export interface SessionChange {
  readonly initialize?: JsonObject;
  readonly logLevel?: LogLevel;
  /** Null for credentials that do not end. */
  readonly expiresAtMs?: number | null;
  readonly subscribed?: string;
  readonly unsubscribed?: string;
}

/** The sessions of one kind that a deployment has. */
export interface SessionRecords {
  /** Gets ready to tell a session that there never was from one that is not known at the moment. */
  open(): Promise<void>;
  /**
   * Adds a session; at the cap the owner's own longest unused one gives way.
   *
   * @returns the one that has given way.
   * @throws RefusedRequest 503 if the cap is reached by others.
   */
  add(record: SessionRecord): Promise<SessionRecord | undefined>;
  /** @throws ServiceUnavailableError if it cannot be known whether there is one. */
  find(id: string): Promise<SessionRecord | undefined>;
  /** Does nothing for a session that has ended. */
  change(id: string, change: SessionChange): Promise<void>;
  /** @returns the replica that has spoken on the session's stream until now. */
  speak(id: string, replicaId: string): Promise<string | undefined>;
  /** Ends a session. @returns it to one caller, however many try. */
  take(id: string): Promise<SessionRecord | undefined>;
  /** Counts the time without use from now on, at the latest from the next `sync` on. */
  touch(id: string): void;
  /** Ends what nobody has used for the idle time; each of those is returned to one caller. */
  sync(held: readonly string[]): Promise<{
    /** Of those held, the ones that have ended elsewhere. */
    readonly ended: readonly string[];
    readonly idle: readonly SessionRecord[];
  }>;
  /** Writes sessions again that a store has lost. */
  restore(records: readonly SessionRecord[]): Promise<void>;
}

export function applyChange(record: SessionRecord, change: SessionChange): SessionRecord {
  const { subscribed, unsubscribed, expiresAtMs, ...rest } = change;
  const subscriptions = new Set(record.subscriptions);
  if (subscribed !== undefined) {
    subscriptions.add(subscribed);
  }
  if (unsubscribed !== undefined) {
    subscriptions.delete(unsubscribed);
  }
  return {
    ...record,
    ...rest,
    ...(expiresAtMs !== undefined && { expiresAtMs: expiresAtMs ?? undefined }),
    subscriptions: [...subscriptions],
  };
}

export function noRoom(maxSessions: number): RefusedRequest {
  return new RefusedRequest(
    503,
    `All ${maxSessions} sessions are in use (mcpActions.sessions.maxSessions); try again later`,
    { headers: { 'Retry-After': '30' } },
  );
}
