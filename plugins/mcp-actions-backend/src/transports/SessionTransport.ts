import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import {
  isJSONRPCErrorResponse,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js';
import type { MissedEvents, SentEvents } from './SentEvents.js';

/** As the SDK calls the stream on which the server speaks first. */
const STANDALONE_STREAM = '_GET_stream';

/**
 * The SDK's transport of one session, which knows what is still to be answered. With `events`, what
 * it sends on a stream that is lost is kept for the client's return.
 */
export class SessionTransport extends WebStandardStreamableHTTPServerTransport {
  readonly #events: SentEvents | undefined;
  readonly #onAnswered: () => void;
  /** Per request in flight, those in flight of the same POST. */
  readonly #unanswered = new Map<RequestId, Set<RequestId>>();
  /** The POST that is being handed to the protocol. */
  readonly #arriving = new Map<RequestId, Set<RequestId>>();

  constructor(options: {
    sessionIdGenerator: () => string;
    onOpened: (id: string) => void;
    onEnded: (id: string) => Promise<void>;
    /** Told when no request is in flight any more. */
    onAnswered: () => void;
    events: SentEvents | undefined;
    retryMs: number;
  }) {
    const { events } = options;
    super({
      sessionIdGenerator: options.sessionIdGenerator,
      onsessioninitialized: options.onOpened,
      onsessionclosed: options.onEnded,
      // The response that its streams are sent on does it.
      keepAliveMs: 0,
      ...(events && {
        retryInterval: options.retryMs,
        eventStore: {
          storeEvent: (streamId, message) => events.add(streamId, message, { isLast: this.#isLast(message) }),
          replayEventsAfter: async (eventId, { send }) => {
            const missed = await events.after(eventId);
            if (!missed) {
              throw new Error('The events that were missed are kept no longer');
            }
            for (const { id, message } of missed.events) {
              await send(id, message);
            }
            return missed.streamId;
          },
        },
      }),
    });
    this.#events = events;
    this.#onAnswered = options.onAnswered;
    // The protocol calls the handler that it finds here before its own.
    this.onmessage = message => this.#received(message);
  }

  get hasCallsInFlight(): boolean {
    return this.#unanswered.size > 0;
  }

  /** @returns what a client missed that comes back; undefined for an event that cannot be gone on from. */
  async missedSince(eventId: string): Promise<MissedEvents | undefined> {
    const missed = await this.#events?.after(eventId);
    return missed && !missed.isComplete && missed.streamId !== STANDALONE_STREAM && !this.hasCallsInFlight
      ? { ...missed, isComplete: true }
      : missed;
  }

  override async handleRequest(
    request: Request,
    options: NonNullable<Parameters<WebStandardStreamableHTTPServerTransport['handleRequest']>[1]>,
  ): Promise<Response> {
    const ids = [options.parsedBody].flat().flatMap(message => (isJSONRPCRequest(message) ? [message.id] : []));
    const together = new Set(ids);
    for (const id of ids) {
      this.#arriving.set(id, together);
    }
    try {
      return await super.handleRequest(request, options);
    } finally {
      for (const id of ids) {
        this.#arriving.delete(id);
      }
    }
  }

  override async send(message: JSONRPCMessage, options?: { relatedRequestId?: RequestId }): Promise<void> {
    const id = answeredBy(message);
    if (id === undefined) {
      return super.send(message, options);
    }
    this.#unanswered.get(id)?.delete(id);
    try {
      await super.send(message, options);
    } finally {
      this.#settle(id);
    }
  }

  override async close(): Promise<void> {
    this.#unanswered.clear();
    await super.close();
    await this.#events?.close();
  }

  #received(message: JSONRPCMessage): void {
    if (isJSONRPCRequest(message)) {
      this.#unanswered.set(message.id, this.#arriving.get(message.id) ?? new Set([message.id]));
      return;
    }
    const { method, params } = message as { method?: string; params?: { requestId?: RequestId } };
    const id = params?.requestId;
    const together = id === undefined ? undefined : this.#unanswered.get(id);
    if (method === 'notifications/cancelled' && id !== undefined && together) {
      // No answer comes for it, so that its stream would stay open for nothing. First, the protocol
      // hears of it, and takes back what it has asked the client on the stream.
      setImmediate(() => {
        together.delete(id);
        if (together.size === 0) {
          this.closeSSEStream(id);
        }
        this.#settle(id);
      });
    }
  }

  #isLast(message: JSONRPCMessage): boolean {
    const id = answeredBy(message);
    return id !== undefined && this.#unanswered.get(id)?.size === 0;
  }

  #settle(id: RequestId): void {
    if (this.#unanswered.delete(id) && !this.hasCallsInFlight) {
      this.#onAnswered();
    }
  }
}

function answeredBy(message: JSONRPCMessage): RequestId | undefined {
  return isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message) ? message.id : undefined;
}
