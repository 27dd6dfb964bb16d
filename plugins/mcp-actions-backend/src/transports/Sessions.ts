import { randomBytes } from 'node:crypto';
import { RefusedRequest } from '../guards/RefusedRequest.js';
import { toAuthInfo } from '../protocol/RequestContext.js';
import type { Connection, Connections } from './Connections.js';
import { EventStream } from './EventStream.js';
import type { Exchange } from './Exchange.js';
import type { SentEvents } from './SentEvents.js';
import { SessionTransport } from './SessionTransport.js';
import { sendResponse, toWebRequest } from './webExchange.js';

export type Session = Connection<SessionTransport>;

/** Sessions of the 2025 era over Streamable HTTP, opened by `initialize` (MCP 2025-11-25, session management). */
export class Sessions {
  readonly #sessions: Connections<SessionTransport>;
  readonly #keepAliveMs: number;
  readonly #retryMs: number;
  readonly #createEvents: () => SentEvents | undefined;

  constructor(options: {
    sessions: Connections<SessionTransport>;
    keepAliveMs: number;
    retryMs: number;
    /** Keeps what one session sends; undefined where nothing is kept. */
    createEvents: () => SentEvents | undefined;
  }) {
    this.#sessions = options.sessions;
    this.#keepAliveMs = options.keepAliveMs;
    this.#retryMs = options.retryMs;
    this.#createEvents = options.createEvents;
  }

  /** Opens a session for an `initialize` request and answers it. */
  async open(exchange: Exchange): Promise<void> {
    const { server, context } = exchange;
    await this.#sessions.makeRoomFor(context);
    const protocol = server.connectable();
    let session: Session | undefined;
    const transport: SessionTransport = new SessionTransport({
      sessionIdGenerator: () => randomBytes(24).toString('base64url'),
      events: this.#createEvents(),
      retryMs: this.#retryMs,
      onOpened: id => {
        session = this.#sessions.add({ id, transport, protocol, server }, context);
      },
      onEnded: id => this.#sessions.close(id),
      // The client has as long to fetch an answer as it has to ask for the next.
      onAnswered: () => session && this.#sessions.touch(session),
    });
    await protocol.connect(transport);
    const closed = this.#hand(transport, exchange);
    await closed;
    if (!session) {
      // The transport has refused the request; there is nothing to keep.
      await protocol.close();
    }
  }

  /** @throws RefusedRequest 404 for a session that is not this caller's, upon which clients start a new one. */
  get(id: string, { server, context }: Pick<Exchange, 'server' | 'context'>): Session {
    const session = this.#sessions.find(id, server, context);
    if (!session) {
      throw new RefusedRequest(404, 'Session not found; initialize a new one', { isSuspicious: true });
    }
    return session;
  }

  /** Serves a message to, the event stream of, or the end of a session. */
  async serve(session: Session, exchange: Exchange): Promise<void> {
    this.#holdOpen(session, exchange);
    if (exchange.req.method === 'GET') {
      session.listens = true;
    }
    await this.#hand(session.transport, exchange);
  }

  /**
   * Goes on with a stream that the client has lost, from what it has missed (MCP 2025-11-25,
   * transports, resumability and redelivery).
   *
   * @throws RefusedRequest 400 if that is not kept, or no longer, or nothing is to come.
   */
  async resume(session: Session, exchange: Exchange, lastEventId: string): Promise<void> {
    const missed = await session.transport.missedSince(lastEventId);
    if (!missed || (missed.isComplete && missed.events.length === 0)) {
      throw new RefusedRequest(
        400,
        'Last-Event-ID names no event of this session after which something is to come and everything is still kept; open a stream without it, or make the call again',
      );
    }
    if (!missed.isComplete) {
      return this.serve(session, exchange);
    }
    this.#holdOpen(session, exchange);
    exchange.res.setHeader('Mcp-Session-Id', session.id);
    const stream = this.#streamOf(exchange);
    stream.open();
    for (const { id, message } of missed.events) {
      stream.writeMessage(message, id);
    }
    stream.end();
  }

  #holdOpen(session: Session, { res }: Exchange): void {
    if (res.closed) {
      // The client has left before it is served: nothing would count its stream down again.
      return;
    }
    session.openStreams += 1;
    res.once('close', () => {
      session.openStreams -= 1;
      this.#sessions.touch(session);
    });
  }

  async #hand(transport: SessionTransport, exchange: Exchange): Promise<void> {
    const { req, res, context, body } = exchange;
    const response = await transport.handleRequest(toWebRequest(req), {
      authInfo: toAuthInfo(context),
      parsedBody: body,
    });
    await sendResponse(res, response, this.#streamOf(exchange));
  }

  #streamOf({ res }: Exchange): EventStream {
    return new EventStream({ res, keepAliveMs: this.#keepAliveMs });
  }
}
