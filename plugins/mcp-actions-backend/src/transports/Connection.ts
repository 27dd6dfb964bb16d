import type { JsonObject } from '@backstage/types';
import { principalKey } from '@callboard/actions';
import type { JSONRPCMessage, MessageExtraInfo, RequestId, Server } from '@modelcontextprotocol/server';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import type { CallerContext, RequestContext } from '../protocol/RequestContext.js';

/** What a connection's transport does for the replica that holds it. */
export interface ConnectionTransport {
  /** Whether a call is in flight, which somebody may come back for. */
  readonly isBusy: boolean;
  /** Whether a request of the client's is being served here. */
  serves(id: RequestId): boolean;
  receive(message: JSONRPCMessage, extra?: MessageExtraInfo): void;
  /** Has the protocol know what another replica has answered. */
  initialize(params: JsonObject): Promise<void>;
  /** Ends the streams on which the server speaks first. */
  endStreams(): void;
  /** Settled when what was sent can be gone on with from every replica. */
  flush(): Promise<void>;
  /** Answers what is in flight with an error, and closes. */
  leave(error: { code: number; message: string }): Promise<void>;
}

/** A connection that outlives a request: a session, or a stream of the deprecated transport. */
export interface Connection<TTransport> {
  readonly id: string;
  readonly transport: TTransport;
  readonly protocol: Server;
  readonly server: PublishedServer;
  readonly principal: string;
  /** Who made its last request here; undefined before the first one. */
  caller: CallerContext | undefined;
  readonly openedAtMs: number;
  lastUsedAtMs: number;
  /** When the credentials of its last request end; undefined for those that do not. */
  expiresAtMs: number | undefined;
  /** Streams that the client holds open; while there is one the connection is not idle. */
  openStreams: number;
  /** Whether this process tells the client what changes, on a stream on which the server speaks first. */
  listens: boolean;
  /** The parameters of `initialize`, for other replicas. */
  initialized: JsonObject | undefined;
}

/** What is put on record of a connection that ends, on whichever replica. */
export type EndedConnection = Pick<Connection<unknown>, 'principal' | 'server'> & {
  readonly protocolVersion: string | undefined;
};

/** Told of connections that come and go, of each once. */
export interface ConnectionObserver {
  opened(connection: Connection<unknown>, context: RequestContext): void;
  closed(connection: EndedConnection, durationMs: number): void;
}

/** What a client may not have heard of, when another replica goes on with its stream. */
export type Unheard = 'nothing' | 'lists' | 'anything';

export function expiryOf({ credentials }: CallerContext): number | undefined {
  return credentials.expiresAt?.getTime();
}

/** A person's clients do not share connections any more than two people do. */
export function ownerOf({ credentials, grant }: CallerContext): string {
  return grant ? `${principalKey(credentials)} with ${grant.clientId}` : principalKey(credentials);
}
