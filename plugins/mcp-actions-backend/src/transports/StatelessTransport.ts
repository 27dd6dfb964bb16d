import type { ServerResponse } from 'node:http';
import { disconnectSignal } from '@callboard/actions';
import type { JSONRPCMessage, MessageExtraInfo, RequestId, Transport } from '@modelcontextprotocol/server';
import { isJSONRPCRequest, isJSONRPCResponse } from '@modelcontextprotocol/server';
import { toAuthInfo } from '../protocol/RequestContext.js';
import { EventStream } from './EventStream.js';
import type { Exchange } from './Exchange.js';
import { acceptsEventStream } from './webExchange.js';

/**
 * Answers one POST of the 2025 era that belongs to no session: as JSON, or as an event stream from
 * the moment a notification comes before the answer, or the answer is long in coming (MCP 2025-11-25,
 * transports, sending messages).
 */
export class StatelessTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: <T extends JSONRPCMessage>(message: T, extra?: MessageExtraInfo) => void;
  readonly #res: ServerResponse;
  readonly #stream: EventStream;
  readonly #isBatch: boolean;
  readonly #takesEvents: boolean;
  readonly #unanswered: Set<RequestId>;
  readonly #answers: JSONRPCMessage[] = [];

  private constructor(options: {
    res: ServerResponse;
    stream: EventStream;
    isBatch: boolean;
    takesEvents: boolean;
    unanswered: Set<RequestId>;
  }) {
    this.#res = options.res;
    this.#stream = options.stream;
    this.#isBatch = options.isBatch;
    this.#takesEvents = options.takesEvents;
    this.#unanswered = options.unanswered;
  }

  /** @param messages - checked to be JSON-RPC, one or a batch. */
  static async serve(
    { req, res, server, context, body }: Exchange,
    messages: readonly JSONRPCMessage[],
    { keepAliveMs }: { keepAliveMs: number },
  ): Promise<void> {
    const requests = messages.filter(isJSONRPCRequest);
    if (requests.length === 0) {
      // Nothing in a stateless exchange waits for a notification or a response.
      res.writeHead(202).end();
      return;
    }
    const stream = new EventStream({ res, keepAliveMs });
    const takesEvents = acceptsEventStream(req);
    const transport = new StatelessTransport({
      res,
      stream,
      isBatch: Array.isArray(body),
      takesEvents,
      unanswered: new Set(requests.map(({ id }) => id)),
    });
    const protocol = server.connectable();
    await protocol.connect(transport);
    disconnectSignal(res).addEventListener('abort', () => void protocol.close());
    if (takesEvents) {
      stream.keepAlive();
    }
    const finished = res.closed ? Promise.resolve() : new Promise<void>(resolve => res.once('close', resolve));
    for (const message of messages) {
      transport.onmessage?.(message, { authInfo: toAuthInfo(context) });
    }
    // First, the protocol hears of what the same batch cancels.
    setImmediate(() => transport.#forget(cancelledBy(messages)));
    await finished;
    await protocol.close();
  }

  async start(): Promise<void> {}

  async send(message: JSONRPCMessage): Promise<void> {
    if (this.#res.destroyed || this.#res.writableEnded) {
      return;
    }
    if (!isJSONRPCResponse(message)) {
      if (this.#takesEvents) {
        this.#stream.open();
        this.#sendAnswers();
        this.#stream.writeMessage(message);
      }
      return;
    }
    this.#unanswered.delete(message.id as RequestId);
    this.#answers.push(message);
    if (this.#stream.isOpen) {
      this.#sendAnswers();
    }
    if (this.#unanswered.size === 0) {
      this.#finish();
    }
  }

  async close(): Promise<void> {
    this.onclose?.();
  }

  /** No answer comes for what was cancelled. */
  #forget(ids: readonly RequestId[]): void {
    const forgotten = ids.filter(id => this.#unanswered.delete(id));
    if (forgotten.length > 0 && this.#unanswered.size === 0) {
      this.#finish();
    }
  }

  #sendAnswers(): void {
    for (const answer of this.#answers.splice(0)) {
      this.#stream.writeMessage(answer);
    }
  }

  #finish(): void {
    if (this.#stream.isOpen) {
      this.#stream.end();
      return;
    }
    this.#stream.stop();
    if (this.#answers.length === 0) {
      this.#res.writeHead(202).end();
      return;
    }
    const body = Buffer.from(JSON.stringify(this.#isBatch ? this.#answers : this.#answers[0]));
    this.#res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length });
    this.#res.end(body);
  }
}

function cancelledBy(messages: readonly JSONRPCMessage[]): RequestId[] {
  return messages.flatMap(message => {
    const { method, params } = message as { method?: string; params?: { requestId?: RequestId } };
    return method === 'notifications/cancelled' && params?.requestId !== undefined ? [params.requestId] : [];
  });
}
