import { randomBytes } from 'node:crypto';
import type { JsonObject } from '@backstage/types';
import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { JSON_RPC_INVALID_REQUEST, RefusedRequest } from '../guards/RefusedRequest.js';
import { toAuthInfo } from '../protocol/RequestContext.js';
import { orAway } from './away.js';
import { CatchingUp } from './CatchingUp.js';
import type { Connection } from './Connection.js';
import type { Connections } from './Connections.js';
import { EventStream } from './EventStream.js';
import type { Exchange } from './Exchange.js';
import { isRequest, parseMessage } from './messages.js';
import type { RemoteCalls } from './RemoteCalls.js';
import { type MissedEvents, OWN_STREAM } from './SentEvents.js';
import type { SessionTransport } from './SessionTransport.js';
import { acceptsEventStream } from './webExchange.js';

/** The first revision whose clients know events without a message. */
const KNOWS_EMPTY_EVENTS = '2025-11-25';

export type Session = Connection<SessionTransport>;

/** Sessions of the 2025 era over Streamable HTTP, opened by `initialize` (MCP 2025-11-25, session management). */
export class Sessions {
  readonly #sessions: Connections<SessionTransport>;
  readonly #createTransport: (id: string) => SessionTransport;
  readonly #remoteCalls: RemoteCalls;
  readonly #keepAliveMs: number;
  readonly #retryMs: number;
  readonly #onUnheard: (session: Session, what: 'lists' | 'anything') => void;

  constructor(options: {
    sessions: Connections<SessionTransport>;
    createTransport: (id: string) => SessionTransport;
    remoteCalls: RemoteCalls;
    keepAliveMs: number;
    retryMs: number;
    /** Told of a session whose client may not have heard of changes. */
    onUnheard: (session: Session, what: 'lists' | 'anything') => void;
  }) {
    this.#sessions = options.sessions;
    this.#createTransport = options.createTransport;
    this.#remoteCalls = options.remoteCalls;
    this.#keepAliveMs = options.keepAliveMs;
    this.#retryMs = options.retryMs;
    this.#onUnheard = options.onUnheard;
  }

  /** Opens a session for an `initialize` request and answers it. */
  async open(exchange: Exchange): Promise<void> {
    const { server, context, body } = exchange;
    const message = parseMessage(body);
    // What the era says of itself, as its own SDK has it; loaded when somebody opens a session.
    const { isInitializeRequest } = await import('@modelcontextprotocol/sdk/types.js');
    if (!isInitializeRequest(message)) {
      throw new RefusedRequest(400, 'Invalid request: expected protocolVersion, capabilities and clientInfo', {
        code: JSON_RPC_INVALID_REQUEST,
      });
    }
    assertTakesEvents(exchange);
    const id = randomBytes(24).toString('base64url');
    const transport = this.#createTransport(id);
    const protocol = server.connectable();
    await protocol.connect(transport);
    const params = message.params as JsonObject;
    let session: Session;
    try {
      session = await this.#sessions.add({ id, transport, protocol, server, initialized: params }, context);
    } catch (error) {
      await protocol.close();
      throw error;
    }
    await this.#call(session, exchange, [message], message.params.protocolVersion);
  }

  /**
   * @throws RefusedRequest 404 for a session that is not this caller's, upon which clients start a new
   * one; 503 if it cannot be known whether there is one.
   */
  async get(id: string, { server, context }: Pick<Exchange, 'server' | 'context'>): Promise<Session> {
    const session = await this.#sessions.find(id, server, context);
    if (!session) {
      throw new RefusedRequest(404, 'Session not found; initialize a new one', { isSuspicious: true });
    }
    return session;
  }

  /** Serves a message to, the event stream of, or the end of a session. */
  async serve(session: Session, exchange: Exchange): Promise<void> {
    switch (exchange.req.method) {
      case 'POST':
        return this.#post(session, exchange);
      case 'GET':
        return this.#listen(session, exchange);
      case 'DELETE':
        await this.#sessions.close(session.id);
        exchange.res.writeHead(200).end();
        return;
      default:
        throw new RefusedRequest(405, 'Method not allowed, expected GET, POST, DELETE', {
          headers: { Allow: 'GET, POST, DELETE' },
        });
    }
  }

  /**
   * Goes on with a stream that the client has lost, from what it has missed (MCP 2025-11-25,
   * transports, resumability and redelivery), whichever replica it came from.
   *
   * @throws RefusedRequest 400 if that is not kept, or no longer, or nothing is to come.
   */
  async resume(session: Session, exchange: Exchange, lastEventId: string): Promise<void> {
    assertTakesEvents(exchange);
    const { transport } = session;
    const streamId = transport.events?.streamOf(lastEventId);
    if (streamId === undefined) {
      throw nothingToResume();
    }
    if (streamId === OWN_STREAM) {
      return this.#listen(session, exchange, lastEventId);
    }
    const call = transport.findCall(streamId);
    if (call) {
      const stream = this.#openStream(session, exchange);
      const outlet = new CatchingUp();
      call.add(outlet);
      const missed = await this.#missedSince(transport, lastEventId);
      if (!missed) {
        call.remove(outlet);
        throw nothingToResume();
      }
      call.keepOnly(outlet);
      exchange.res.once('close', () => call.remove(outlet));
      stream.open();
      outlet.catchUp(stream, missed.events);
      return;
    }
    const isServed = await this.#remoteCalls.follow({
      session,
      streamId,
      lastEventId,
      res: exchange.res,
      open: () => {
        const stream = this.#openStream(session, exchange);
        stream.open();
        return stream;
      },
    });
    if (isServed) {
      return;
    }
    const missed = await this.#missedSince(transport, lastEventId);
    if (!missed || missed.events.length === 0) {
      throw nothingToResume();
    }
    const stream = this.#openStream(session, exchange);
    stream.open();
    for (const { id, json } of missed.events) {
      stream.send(json, id);
    }
    stream.end();
  }

  async #post(session: Session, exchange: Exchange): Promise<void> {
    const { body, res, context } = exchange;
    const messages = [body].flat().map(parseMessage);
    const requests = messages.filter(isRequest);
    const refused = requests.find(({ id, method }) => method === 'initialize' || session.transport.serves(id));
    if (refused) {
      const problem =
        refused.method === 'initialize'
          ? 'the session is initialized already'
          : `a request with the id ${JSON.stringify(refused.id)} is being served`;
      throw new RefusedRequest(400, `Invalid request: ${problem}`, { code: JSON_RPC_INVALID_REQUEST });
    }
    if (requests.length > 0) {
      assertTakesEvents(exchange);
      return this.#call(session, exchange, messages, session.transport.version ?? '');
    }
    for (const message of messages) {
      await this.#sessions.deliver(session, message, { authInfo: toAuthInfo(context) });
    }
    res.writeHead(202).end();
  }

  /** Answers requests on a stream of their own. */
  async #call(
    session: Session,
    exchange: Exchange,
    messages: readonly JSONRPCMessage[],
    version: string,
  ): Promise<void> {
    const { transport } = session;
    const stream = this.#openStream(session, exchange);
    const requests = messages.filter(isRequest).map(({ id }) => id);
    const call = transport.begin(requests, stream);
    const extra = { authInfo: toAuthInfo(exchange.context) };
    // The beginning, and an answer that is there at once, go out together.
    exchange.res.cork();
    setImmediate(() => exchange.res.uncork());
    stream.open();
    const eventId = transport.events?.begin(call.id, requests);
    if (eventId !== undefined && version >= KNOWS_EMPTY_EVENTS) {
      stream.sayWhenToReturn(this.#retryMs, eventId);
    }
    exchange.res.once('close', () => call.remove(stream));
    for (const message of messages) {
      if (isRequest(message)) {
        transport.receive(message, extra);
      } else {
        await this.#sessions.deliver(session, message, extra);
      }
    }
  }

  /** The stream on which the server speaks first; the newest one is the one. */
  async #listen(session: Session, exchange: Exchange, lastEventId?: string): Promise<void> {
    assertTakesEvents(exchange);
    const { transport } = session;
    const { ownStream } = transport;
    const { res } = exchange;
    const stream = this.#openStream(session, exchange);
    const outlet = new CatchingUp();
    ownStream.add(outlet);
    res.once('close', () => ownStream.remove(outlet));
    const unheard = await this.#sessions.speakTo(session);
    const missed = lastEventId === undefined ? undefined : await this.#missedSince(transport, lastEventId);
    if (lastEventId !== undefined && !missed && unheard !== 'anything') {
      ownStream.remove(outlet);
      throw nothingToResume();
    }
    ownStream.keepOnly(outlet);
    stream.open();
    outlet.catchUp(stream, missed?.events ?? []);
    if (unheard !== 'nothing') {
      this.#onUnheard(session, unheard);
    }
  }

  async #missedSince(transport: SessionTransport, eventId: string): Promise<MissedEvents | undefined> {
    return orAway(async () => transport.events?.after(eventId));
  }

  #openStream(session: Session, { res }: Exchange): EventStream {
    res.setHeader('Mcp-Session-Id', session.id);
    if (!res.closed) {
      // Of a client that has left before it is served, nothing would count the stream down again.
      session.openStreams += 1;
      res.once('close', () => {
        session.openStreams -= 1;
        this.#sessions.touch(session);
      });
    }
    return new EventStream({ res, keepAliveMs: this.#keepAliveMs });
  }
}

function assertTakesEvents({ req }: Exchange): void {
  if (!acceptsEventStream(req)) {
    throw new RefusedRequest(406, 'A session answers with event streams: accept text/event-stream');
  }
}

function nothingToResume(): RefusedRequest {
  return new RefusedRequest(
    400,
    'Last-Event-ID names no event of this session after which something is to come and everything is still kept; open a stream without it, or make the call again',
  );
}
