import { principalKey } from '@callboard/actions';
import type { Server } from '@modelcontextprotocol/server';
import { RefusedRequest } from '../guards/RefusedRequest.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import { type CallerContext, type RequestContext, toCaller } from '../protocol/RequestContext.js';

/** A connection that outlives a request: a session, or a stream of the deprecated transport. */
export interface Connection<TTransport> {
  readonly id: string;
  readonly transport: TTransport;
  readonly protocol: Server;
  readonly server: PublishedServer;
  readonly principal: string;
  /** Who made its last request. */
  caller: CallerContext;
  readonly openedAtMs: number;
  lastUsedAtMs: number;
  /** When the credentials of its last request end; undefined for those that do not. */
  expiresAtMs: number | undefined;
  /** Streams that the client holds open; while there is one the connection is not idle. */
  openStreams: number;
  /** Whether the client has ever opened a stream on which the server speaks first. */
  listens: boolean;
}

/** Told of connections that come and go. */
export interface ConnectionObserver {
  opened(connection: Connection<unknown>, context: RequestContext): void;
  closed(connection: Connection<unknown>, durationMs: number): void;
}

/**
 * The open connections of one transport. Each belongs to the principal that opened it and to the
 * server it was opened on; to anybody else it does not exist.
 */
export class Connections<TTransport> {
  readonly #byId = new Map<string, Connection<TTransport>>();
  readonly #idleTimeoutMs: number;
  readonly #endStreams: (connection: Connection<TTransport>) => void | Promise<void>;
  readonly #isBusy: (transport: TTransport) => boolean;
  readonly #maxConnections: number;
  readonly #nowMs: () => number;
  readonly #observer: ConnectionObserver;

  constructor(options: {
    idleTimeoutMs: number;
    maxConnections: number;
    /** Ends the streams on which the server speaks, when the credentials that opened them have ended. */
    endStreams: (connection: Connection<TTransport>) => void | Promise<void>;
    /** Whether a call is in flight, which somebody may come back for. */
    isBusy?: (transport: TTransport) => boolean;
    observer: ConnectionObserver;
    nowMs?: () => number;
  }) {
    this.#idleTimeoutMs = options.idleTimeoutMs;
    this.#endStreams = options.endStreams;
    this.#isBusy = options.isBusy ?? (() => false);
    this.#maxConnections = options.maxConnections;
    this.#observer = options.observer;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  get size(): number {
    return this.#byId.size;
  }

  get all(): Iterable<Connection<TTransport>> {
    return this.#byId.values();
  }

  /**
   * Makes room for one more: at the cap the caller's own longest unused connection gives way.
   *
   * @throws RefusedRequest 503 if the cap is reached by others.
   */
  async makeRoomFor(context: RequestContext): Promise<void> {
    if (this.#byId.size < this.#maxConnections) {
      return;
    }
    const principal = ownerOf(context);
    const [own] = [...this.#byId.values()]
      .filter(connection => connection.principal === principal)
      .sort((a, b) => a.lastUsedAtMs - b.lastUsedAtMs);
    if (!own) {
      throw new RefusedRequest(
        503,
        `All ${this.#maxConnections} sessions are in use (mcpActions.sessions.maxSessions); try again later`,
        { headers: { 'Retry-After': '30' } },
      );
    }
    await this.close(own.id);
  }

  add(
    connection: Pick<Connection<TTransport>, 'id' | 'transport' | 'protocol' | 'server'>,
    context: RequestContext,
  ): Connection<TTransport> {
    const nowMs = this.#nowMs();
    const added: Connection<TTransport> = {
      ...connection,
      principal: ownerOf(context),
      caller: toCaller(context),
      openedAtMs: nowMs,
      lastUsedAtMs: nowMs,
      expiresAtMs: expiryOf(context),
      openStreams: 0,
      listens: false,
    };
    this.#byId.set(connection.id, added);
    this.#observer.opened(added, context);
    return added;
  }

  /** @returns undefined for ids that are unknown, ended, another principal's or another server's. */
  find(id: string, server: PublishedServer, context: RequestContext): Connection<TTransport> | undefined {
    const connection = this.#byId.get(id);
    if (connection?.server !== server || connection.principal !== ownerOf(context)) {
      return undefined;
    }
    this.touch(connection);
    connection.caller = toCaller(context);
    connection.expiresAtMs = expiryOf(context);
    return connection;
  }

  /** Counts the time without use from now on. */
  touch(connection: Connection<TTransport>): void {
    connection.lastUsedAtMs = this.#nowMs();
  }

  /** Closes what nobody has used for longer than the idle time-out. */
  async closeIdle(): Promise<void> {
    const idleSinceMs = this.#nowMs() - this.#idleTimeoutMs;
    const idle = [...this.#byId.values()].filter(
      ({ openStreams, lastUsedAtMs, transport }) =>
        openStreams === 0 && lastUsedAtMs <= idleSinceMs && !this.#isBusy(transport),
    );
    await Promise.all(idle.map(({ id }) => this.close(id)));
  }

  /** Ends the streams of those whose credentials have ended, and were not renewed by a later request. */
  async endExpiredStreams(): Promise<void> {
    const nowMs = this.#nowMs();
    const expired = [...this.#byId.values()].filter(
      ({ openStreams, expiresAtMs }) => openStreams > 0 && expiresAtMs !== undefined && expiresAtMs <= nowMs,
    );
    await Promise.all(expired.map(connection => this.#endStreams(connection)));
  }

  async close(id: string): Promise<void> {
    const connection = this.#byId.get(id);
    if (connection) {
      this.#byId.delete(id);
      this.#observer.closed(connection, this.#nowMs() - connection.openedAtMs);
      await connection.protocol.close();
    }
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#byId.keys()].map(id => this.close(id)));
  }
}

export function expiryOf({ credentials }: CallerContext): number | undefined {
  return credentials.expiresAt?.getTime();
}

/** A person's clients do not share connections any more than two people do. */
export function ownerOf({ credentials, grant }: CallerContext): string {
  return grant ? `${principalKey(credentials)} with ${grant.clientId}` : principalKey(credentials);
}
