import type { ServerResponse } from 'node:http';
import type { LoggerService } from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import type { JsonValue } from '@backstage/types';
import { type Asked, disconnectSignal, type Replicas } from '@callboard/actions';
import { ProtocolErrorCode } from '@modelcontextprotocol/server';
import { LONGEST_MS } from '../protocol/client/limits.js';
import { inPieces } from '../replicas/inPieces.js';
import { isGone } from '../replicas/isGone.js';
import { orAway } from './away.js';
import { CatchingUp } from './CatchingUp.js';
import type { Connection } from './Connection.js';
import type { Connections } from './Connections.js';
import type { Outlet } from './LiveStream.js';
import type { MissedEvents } from './SentEvents.js';
import type { SessionTransport } from './SessionTransport.js';

const TOPIC = 'mcp-actions.streamable.calls';
/** Between the id of the replica that runs a call, and what sets its streams apart. */
const SEPARATOR = '~';

/** Of a call that ended with the replica it ran on. */
const LOST = {
  code: ProtocolErrorCode.InternalError,
  message:
    'The replica of this server on which this ran is gone. Whether it has been done is not known: look before you make it anew.',
};

/** What the replica that runs a call tells the one that has its client. */
type Told = { readonly isFound: true } | { readonly piece: string; readonly isWhole: boolean };

/** A stream of a call of another replica, for a client that has come here. */
interface Followed {
  readonly session: Connection<SessionTransport>;
  readonly streamId: string;
  readonly lastEventId: string;
  readonly res: ServerResponse;
  /** Begins the answer to the client. */
  readonly open: () => Outlet;
}

/** Brings the streams of calls to the replica that their clients come back to. */
export class RemoteCalls {
  readonly #sessions: Connections<SessionTransport>;
  readonly #replicas: Replicas;
  readonly #logger: LoggerService;
  #streams = 0;
  #stopAnswering = () => {};

  constructor(options: { sessions: Connections<SessionTransport>; replicas: Replicas; logger: LoggerService }) {
    this.#sessions = options.sessions;
    this.#replicas = options.replicas;
    this.#logger = options.logger;
  }

  /** An id for the stream of a call that runs here. */
  newStreamId(): string {
    this.#streams += 1;
    return `${this.#replicas.id}${SEPARATOR}${this.#streams.toString(36)}`;
  }

  /** From now on, the other replicas can follow the calls that run here. */
  open(): void {
    this.#stopAnswering = this.#replicas.answer(TOPIC, (payload, asked) => {
      const { id, streamId } = payload as { id: string; streamId: string };
      return this.#serve(id, streamId, asked);
    });
  }

  close(): void {
    this.#stopAnswering();
  }

  /**
   * Sends a client what it has missed of a stream, and what comes, to its end.
   *
   * @returns false if nothing more comes on the stream: what is kept of it is all.
   * @throws RefusedRequest 503 if the replica that runs the call cannot be reached at the moment.
   */
  async follow(followed: Followed): Promise<boolean> {
    const { session, streamId, res } = followed;
    const [replicaId = ''] = streamId.split(SEPARATOR);
    if (!this.#sessions.areShared || replicaId === this.#replicas.id) {
      return false;
    }
    const outlet = new CatchingUp();
    let found = () => {};
    const isFound = new Promise<'found'>(resolve => {
      found = () => resolve('found');
    });
    const ended = this.#replicas
      .ask(
        replicaId,
        TOPIC,
        { id: session.id, streamId },
        {
          timeoutMs: LONGEST_MS,
          signal: disconnectSignal(res),
          onTold: receiver({ found, send: (json, eventId) => outlet.send(json, eventId) }),
        },
      )
      .then(
        () => 'ended' as const,
        error => ({ error }),
      );
    const first = await Promise.race([isFound, ended]);
    if (first === 'ended' || res.closed) {
      return res.closed;
    }
    if (first !== 'found' && !isGone(first.error)) {
      await orAway(() => Promise.reject(first.error));
    }
    const missed = await this.#missedBy(followed);
    if (!missed || (first !== 'found' && missed.isComplete)) {
      return false;
    }
    const client = followed.open();
    outlet.catchUp(client, missed.events);
    await this.#finish(followed, client, first === 'found' ? await ended : first);
    return true;
  }

  async #missedBy({ session, lastEventId }: Followed): Promise<MissedEvents | undefined> {
    return orAway(async () => session.transport.events?.after(lastEventId));
  }

  async #finish(followed: Followed, client: Outlet, end: 'ended' | { error: unknown }): Promise<void> {
    const { res, session, streamId } = followed;
    if (end === 'ended') {
      client.end();
      return;
    }
    if (res.closed) {
      return;
    }
    if (!isGone(end.error)) {
      this.#logger.debug('A stream of another replica broke off', toError(end.error));
      // To its client it must not look complete.
      res.destroy();
      return;
    }
    const unanswered = (await this.#missedBy(followed))?.unanswered ?? [];
    for (const [index, id] of unanswered.entries()) {
      const json = JSON.stringify({ jsonrpc: '2.0', id, error: LOST });
      client.send(json, session.transport.events?.add(streamId, json, { isLast: index === unanswered.length - 1 }));
    }
    client.end();
  }

  async #serve(id: string, streamId: string, asked: Asked): Promise<JsonValue> {
    const transport = this.#sessions.findHeld(id)?.transport;
    const call = transport?.findCall(streamId);
    if (!call) {
      await transport?.flush();
      return null;
    }
    let end = () => {};
    const ended = new Promise<void>(resolve => {
      end = resolve;
    });
    const outlet: Outlet = { send: (json, eventId) => tell(asked, { json, eventId: eventId ?? null }), end };
    call.add(outlet);
    asked.signal.addEventListener('abort', () => {
      call.remove(outlet);
      end();
    });
    await transport?.flush();
    call.keepOnly(outlet);
    asked.tell({ isFound: true });
    await ended;
    return null;
  }
}

function tell(asked: Asked, event: { json: string; eventId: string | null }): void {
  const pieces = inPieces(event);
  for (const [index, piece] of pieces.entries()) {
    asked.tell({ piece, isWhole: index === pieces.length - 1 });
  }
}

function receiver(to: { found: () => void; send: Outlet['send'] }): (told: JsonValue) => void {
  let pieces = '';
  return payload => {
    const told = payload as Told;
    if ('isFound' in told) {
      to.found();
      return;
    }
    pieces += told.piece;
    if (told.isWhole) {
      const { json, eventId } = JSON.parse(pieces) as { json: string; eventId: string | null };
      pieces = '';
      to.send(json, eventId ?? undefined);
    }
  };
}
