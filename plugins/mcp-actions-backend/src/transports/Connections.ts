import type { LoggerService } from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import type { JsonObject } from '@backstage/types';
import {
  type JSONRPCMessage,
  type MessageExtraInfo,
  ProtocolError,
  ProtocolErrorCode,
  type Server,
} from '@modelcontextprotocol/server';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import { type RequestContext, toCaller } from '../protocol/RequestContext.js';
import { away, orAway } from './away.js';
import {
  type Connection,
  type ConnectionObserver,
  type ConnectionTransport,
  expiryOf,
  ownerOf,
  type Unheard,
} from './Connection.js';
import type { ConnectionLink, Notice } from './ConnectionLink.js';
import { cancelledBy } from './messages.js';
import type { RequestIds } from './RequestIds.js';
import type { SessionChange, SessionRecord, SessionRecords } from './records/SessionRecords.js';

/** A session that other replicas serve as well is not held for longer without use. */
const HELD_UNUSED_MS = 5 * 60_000;
/** As the code of what is away, which can be asked for again. */
const AWAY_CODE = -31_503;
/** No -31503, upon which clients may make their call again. */
const STOPPED = {
  code: ProtocolErrorCode.InternalError,
  message:
    'The server stops before this was done, or before its answer was there. Whether it has been done is not known: look before you make it anew.',
};

/**
 * The open connections of one transport. Each belongs to the principal that opened it and to the
 * server it was opened on; to anybody else it does not exist. What is in the records, and not held
 * here, is taken up when its client comes.
 */
export class Connections<TTransport extends ConnectionTransport> {
  readonly #records: SessionRecords;
  readonly #link: ConnectionLink;
  readonly #ids: RequestIds;
  readonly #servers: ReadonlyMap<string | undefined, PublishedServer>;
  readonly #connect: (
    id: string,
    server: PublishedServer,
    record: SessionRecord,
  ) => Promise<{ transport: TTransport; protocol: Server }>;
  readonly #observer: ConnectionObserver;
  readonly #logger: LoggerService;
  readonly #nowMs: () => number;
  readonly #held = new Map<string, Connection<TTransport>>();
  /** Being taken up, with what was heard of them meanwhile. */
  readonly #arriving = new Map<
    string,
    { readonly notices: Notice[]; readonly taken: Promise<Connection<TTransport> | undefined> }
  >();
  #isClosed = false;

  constructor(options: {
    records: SessionRecords;
    link: ConnectionLink;
    ids: RequestIds;
    servers: readonly PublishedServer[];
    /** Makes this process's side of a connection that another one has opened. */
    connect: (
      id: string,
      server: PublishedServer,
      record: SessionRecord,
    ) => Promise<{ transport: TTransport; protocol: Server }>;
    observer: ConnectionObserver;
    logger: LoggerService;
    nowMs?: () => number;
  }) {
    this.#records = options.records;
    this.#link = options.link;
    this.#ids = options.ids;
    this.#servers = new Map(options.servers.map(server => [server.config.key, server]));
    this.#connect = options.connect;
    this.#observer = options.observer;
    this.#logger = options.logger;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  /** How many are held here. */
  get size(): number {
    return this.#held.size;
  }

  get all(): Iterable<Connection<TTransport>> {
    return this.#held.values();
  }

  /** Whether connections outlive this process. */
  get areShared(): boolean {
    return this.#link.isShared;
  }

  /** From now on, replicas tell each other of connections. */
  open(): void {
    this.#link.open({
      onNotice: notice => this.#hear(notice),
      onMessage: (id, message) => this.#held.get(id)?.transport.receive(message),
      onYield: id => this.#yield(id),
      onReturn: isEmptied => this.#catchUp(isEmptied),
    });
    this.#records
      .open()
      .catch(error => this.#logger.warn('Sessions cannot be shared with other replicas yet', toError(error)));
  }

  /** @throws RefusedRequest 503 if there is no room, or if it cannot be known. */
  async add(
    connection: Pick<Connection<TTransport>, 'id' | 'transport' | 'protocol' | 'server'> & {
      initialized?: JsonObject;
      speaks?: boolean;
    },
    context: RequestContext,
  ): Promise<Connection<TTransport>> {
    this.#assertOpen();
    const nowMs = this.#nowMs();
    const added: Connection<TTransport> = {
      id: connection.id,
      transport: connection.transport,
      protocol: connection.protocol,
      server: connection.server,
      principal: ownerOf(context),
      caller: toCaller(context),
      openedAtMs: nowMs,
      lastUsedAtMs: nowMs,
      expiresAtMs: expiryOf(context),
      openStreams: 0,
      listens: connection.speaks ?? false,
      initialized: this.areShared ? connection.initialized : undefined,
    };
    const displaced = await orAway(() => this.#records.add(this.#recordOf(added)));
    this.#hold(added);
    this.#observer.opened(added, context);
    if (displaced) {
      await this.#finish(displaced);
    }
    return added;
  }

  /**
   * @returns undefined for ids that are unknown, ended, another principal's or another server's.
   * @throws RefusedRequest 503 if it cannot be known whether there is one.
   */
  async find(
    id: string,
    server: PublishedServer,
    context: RequestContext,
  ): Promise<Connection<TTransport> | undefined> {
    const connection = this.#held.get(id) ?? (this.areShared ? await this.#takeUp(id) : undefined);
    if (connection?.server !== server || connection.principal !== ownerOf(context)) {
      return undefined;
    }
    this.touch(connection);
    connection.caller = toCaller(context);
    const expiresAtMs = expiryOf(context);
    if (expiresAtMs !== connection.expiresAtMs) {
      connection.expiresAtMs = expiresAtMs;
      this.change(id, { expiresAtMs: expiresAtMs ?? null }).catch(() => {
        // A stream on another replica may end too early then, upon which its client opens it anew.
      });
    }
    return connection;
  }

  /** @returns undefined for what is not held here. */
  findHeld(id: string): Connection<TTransport> | undefined {
    return this.#held.get(id);
  }

  /** Counts the time without use from now on. */
  touch(connection: Pick<Connection<TTransport>, 'id'>): void {
    const held = this.#held.get(connection.id);
    if (held) {
      held.lastUsedAtMs = this.#nowMs();
      this.#records.touch(connection.id);
    }
  }

  /** Has the other replicas know of a change, those that are there and those that come. */
  async change(id: string, change: SessionChange): Promise<void> {
    if (this.areShared) {
      await this.#records.change(id, change);
      await this.#link.tell({ id, change });
    }
  }

  /**
   * Has this process tell the client what changes, and no other one.
   *
   * @returns of what its client may not have heard. Replicas do not see lists change at the same moment,
   * so that a change can be missed between two of them; what one that is gone would have told is not known.
   */
  async speakTo(connection: Connection<TTransport>): Promise<Unheard> {
    connection.listens = true;
    if (!this.areShared) {
      return 'nothing';
    }
    let before: string | undefined;
    try {
      before = await this.#records.speak(connection.id, this.#link.replicaId);
    } catch (error) {
      this.#logger.debug('The other replicas do not know that a stream goes on here', toError(error));
    }
    if (before === undefined || before === this.#link.replicaId) {
      return 'nothing';
    }
    return (await this.#link.askToYield(before, connection.id)) ? 'lists' : 'anything';
  }

  /**
   * Hands a message of the client's that is no request to the protocol, on the replica that it concerns.
   *
   * @throws RefusedRequest 503 if that cannot be reached at the moment.
   */
  async deliver(connection: Connection<TTransport>, message: JSONRPCMessage, extra?: MessageExtraInfo): Promise<void> {
    const { id, transport } = connection;
    const cancelled = cancelledBy(message);
    const replicaId = this.areShared ? this.#ids.replicaOf(message) : undefined;
    if (replicaId !== undefined && replicaId !== this.#link.replicaId) {
      await orAway(() => this.#link.pass(replicaId, id, message));
    } else if (cancelled !== undefined && !transport.serves(cancelled) && this.areShared) {
      await orAway(() => this.#link.tell({ id, message }));
    } else {
      transport.receive(message, extra);
    }
  }

  /** Ends what nobody has used for longer than the idle time-out, here and elsewhere. */
  async sweep(): Promise<void> {
    for (const connection of this.#held.values()) {
      if (connection.openStreams > 0 || connection.transport.isBusy) {
        this.#records.touch(connection.id);
      }
    }
    const { ended, idle } = await this.#records.sync([...this.#held.keys()]);
    await Promise.all([...ended.map(id => this.drop(id)), ...idle.map(record => this.#finish(record))]);
    if (this.areShared) {
      await this.#dropUnused();
    }
  }

  /** Ends the streams of those whose credentials have ended, and were not renewed by a later request. */
  endExpiredStreams(): void {
    const nowMs = this.#nowMs();
    for (const { openStreams, expiresAtMs, transport } of this.#held.values()) {
      if (openStreams > 0 && expiresAtMs !== undefined && expiresAtMs <= nowMs) {
        transport.endStreams();
      }
    }
  }

  /**
   * Ends a connection, everywhere.
   *
   * @throws RefusedRequest 503 if that is not possible at the moment.
   */
  async close(id: string): Promise<void> {
    const record = await orAway(() => this.#records.take(id));
    if (record) {
      await this.#finish(record);
    }
    await this.drop(id);
  }

  /**
   * Stops: all connections end, but for those that others can go on with.
   *
   * @param options.isLeft - whether a connection is left to the other replicas, if there can be any.
   */
  async closeAll({ isLeft }: { isLeft: (connection: Connection<TTransport>) => boolean }): Promise<void> {
    this.#isClosed = true;
    this.#link.close();
    const held = [...this.#held.values()];
    await Promise.all(
      held.map(async connection => {
        // Clients learn at once that no answer comes, and do not look for a server that is not there.
        await connection.transport.leave(STOPPED);
        if (this.areShared && isLeft(connection)) {
          await this.drop(connection.id);
        } else {
          await this.close(connection.id).catch(() => this.drop(connection.id));
        }
      }),
    );
  }

  #assertOpen(): void {
    if (this.#isClosed) {
      throw away('The server stops; try again');
    }
  }

  #hold(connection: Connection<TTransport>): void {
    const { id, server, protocol } = connection;
    this.#held.set(id, connection);
    if (this.areShared) {
      const keep = (change: SessionChange) =>
        this.change(id, change).catch(error => Promise.reject(toProtocolError(error)));
      server.logLevels.onChange(protocol, logLevel => keep({ logLevel }));
      server.subscriptionsOf(protocol).onChange(keep);
    }
  }

  /** Goes on with a connection that another replica has opened. */
  async #takeUp(id: string): Promise<Connection<TTransport> | undefined> {
    this.#assertOpen();
    const arriving = this.#arriving.get(id);
    if (arriving) {
      return arriving.taken;
    }
    const notices: Notice[] = [];
    const taken = this.#hydrate(id, notices).finally(() => this.#arriving.delete(id));
    this.#arriving.set(id, { notices, taken });
    return taken;
  }

  async #hydrate(id: string, notices: readonly Notice[]): Promise<Connection<TTransport> | undefined> {
    const record = await orAway(() => this.#records.find(id));
    const server = record && this.#servers.get(record.serverKey);
    if (!record || !server) {
      return undefined;
    }
    const { transport, protocol } = await this.#connect(id, server, record);
    const connection: Connection<TTransport> = {
      id,
      transport,
      protocol,
      server,
      principal: record.owner,
      caller: undefined,
      openedAtMs: record.openedAtMs,
      lastUsedAtMs: this.#nowMs(),
      expiresAtMs: record.expiresAtMs,
      openStreams: 0,
      listens: false,
      initialized: undefined,
    };
    await this.#apply(connection, stateOf(record));
    for (const { change, isEnded } of notices) {
      if (isEnded) {
        await protocol.close();
        return undefined;
      }
      await this.#apply(connection, change ?? {});
    }
    this.#hold(connection);
    return connection;
  }

  #hear(notice: Notice): void {
    const connection = this.#held.get(notice.id);
    if (!connection) {
      this.#arriving.get(notice.id)?.notices.push(notice);
      return;
    }
    if (notice.isEnded) {
      void this.drop(notice.id);
    } else if (notice.message) {
      connection.transport.receive(notice.message);
    } else {
      this.#apply(connection, notice.change ?? {}).catch(error =>
        this.#logger.error('A change of a session could not be taken over', toError(error)),
      );
    }
  }

  async #apply(connection: Connection<TTransport>, change: SessionChange | State): Promise<void> {
    const { server, protocol, transport } = connection;
    if (change.initialize && !connection.initialized) {
      connection.initialized = change.initialize;
      await transport.initialize(change.initialize);
    }
    if (change.logLevel) {
      server.logLevels.set(protocol, change.logLevel);
    }
    if (change.expiresAtMs !== undefined) {
      connection.expiresAtMs = change.expiresAtMs ?? undefined;
    }
    server.subscriptionsOf(protocol).take(change);
  }

  async #yield(id: string): Promise<boolean> {
    const connection = this.#held.get(id);
    if (!connection?.listens) {
      return false;
    }
    connection.listens = false;
    connection.transport.endStreams();
    await connection.transport.flush();
    return true;
  }

  /** Puts the end of a connection on record, which one replica does, and has all of them drop it. */
  async #finish(record: SessionRecord): Promise<void> {
    const server = this.#servers.get(record.serverKey);
    if (server) {
      const protocolVersion =
        this.#held.get(record.id)?.protocol.getNegotiatedProtocolVersion() ??
        (record.initialize?.protocolVersion as string | undefined);
      this.#observer.closed({ principal: record.owner, server, protocolVersion }, this.#nowMs() - record.openedAtMs);
    }
    await this.drop(record.id);
    await this.#link.tell({ id: record.id, isEnded: true }).catch(error =>
      // They find out by themselves, a little later.
      this.#logger.debug('The other replicas could not be told of the end of a session', toError(error)),
    );
  }

  /** Holds a connection no longer here; it goes on, or has ended. */
  async drop(id: string): Promise<void> {
    this.#arriving.get(id)?.notices.push({ id, isEnded: true });
    const connection = this.#held.get(id);
    if (connection) {
      this.#held.delete(id);
      await connection.protocol.close();
    }
  }

  async #dropUnused(): Promise<void> {
    const sinceMs = this.#nowMs() - HELD_UNUSED_MS;
    const unused = [...this.#held.values()].filter(
      ({ openStreams, listens, lastUsedAtMs, transport }) =>
        openStreams === 0 && !listens && lastUsedAtMs <= sinceMs && !transport.isBusy,
    );
    await Promise.all(unused.map(({ id }) => this.drop(id)));
  }

  /** After Redis was away: what was told meanwhile was not heard. */
  async #catchUp(isEmptied: boolean): Promise<void> {
    const held = [...this.#held.values()];
    if (isEmptied) {
      await this.#records.restore(held.map(connection => this.#recordOf(connection)));
      return;
    }
    await Promise.all(
      held.map(async connection => {
        const record = await this.#records.find(connection.id);
        await (record ? this.#apply(connection, stateOf(record)) : this.drop(connection.id));
      }),
    );
  }

  #recordOf(connection: Connection<TTransport>): SessionRecord {
    const { id, server, protocol, principal, openedAtMs, expiresAtMs, listens, initialized } = connection;
    return {
      id,
      owner: principal,
      serverKey: server.config.key,
      openedAtMs,
      initialize: initialized,
      logLevel: this.areShared ? server.logLevels.find(protocol) : undefined,
      subscriptions: this.areShared ? server.subscriptionsOf(protocol).uris : [],
      expiresAtMs,
      speaker: listens ? this.#link.replicaId : undefined,
    };
  }
}

/** All that is known of a session's state, for who may have missed changes. */
interface State extends SessionChange {
  readonly subscriptions: readonly string[];
}

function stateOf({ initialize, logLevel, expiresAtMs, subscriptions }: SessionRecord): State {
  return {
    ...(initialize && { initialize }),
    ...(logLevel && { logLevel }),
    expiresAtMs: expiresAtMs ?? null,
    subscriptions,
  };
}

function toProtocolError(error: unknown): Error {
  const { name, message } = toError(error);
  return name === 'ServiceUnavailableError' ? new ProtocolError(AWAY_CODE, message, { name }) : toError(error);
}
