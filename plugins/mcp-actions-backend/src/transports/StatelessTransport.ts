import { disconnectSignal } from '@callboard/actions';
import type { JSONRPCMessage, MessageExtraInfo, RequestId, Transport } from '@modelcontextprotocol/server';
import { isJSONRPCRequest, isJSONRPCResponse } from '@modelcontextprotocol/server';
import type { Response } from 'express';
import { toAuthInfo } from '../protocol/RequestContext.js';
import type { Exchange } from './Exchange.js';

/**
 * Answers one POST of the 2025 era that belongs to no session: as JSON, or as an event stream from
 * the moment a notification comes before the answer (MCP 2025-11-25, transports, sending messages).
 */
export class StatelessTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: <T extends JSONRPCMessage>(message: T, extra?: MessageExtraInfo) => void;
  readonly #res: Response;
  readonly #isBatch: boolean;
  readonly #takesEvents: boolean;
  readonly #unanswered: Set<RequestId>;
  readonly #answers: JSONRPCMessage[] = [];
  #isStreaming = false;

  private constructor(options: { res: Response; isBatch: boolean; takesEvents: boolean; unanswered: Set<RequestId> }) {
    this.#res = options.res;
    this.#isBatch = options.isBatch;
    this.#takesEvents = options.takesEvents;
    this.#unanswered = options.unanswered;
  }

  /** @param messages - checked to be JSON-RPC, one or a batch. */
  static async serve(
    { req, res, server, context, body }: Exchange,
    messages: readonly JSONRPCMessage[],
  ): Promise<void> {
    const requests = messages.filter(isJSONRPCRequest);
    if (requests.length === 0) {
      // Nothing in a stateless exchange waits for a notification or a response.
      res.status(202).end();
      return;
    }
    const transport = new StatelessTransport({
      res,
      isBatch: Array.isArray(body),
      takesEvents: /text\/event-stream|\*\/\*/.test(req.headers.accept ?? '*/*'),
      unanswered: new Set(requests.map(({ id }) => id)),
    });
    const protocol = server.connectable();
    await protocol.connect(transport);
    disconnectSignal(res).addEventListener('abort', () => void protocol.close());
    const finished = res.closed ? Promise.resolve() : new Promise<void>(resolve => res.once('close', resolve));
    for (const message of messages) {
      transport.onmessage?.(message, { authInfo: toAuthInfo(context) });
    }
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
        this.#stream(message);
      }
      return;
    }
    this.#unanswered.delete(message.id as RequestId);
    if (this.#isStreaming) {
      this.#stream(message);
    } else {
      this.#answers.push(message);
    }
    if (this.#unanswered.size === 0) {
      this.#finish();
    }
  }

  async close(): Promise<void> {
    this.onclose?.();
  }

  #stream(message: JSONRPCMessage): void {
    if (!this.#isStreaming) {
      this.#isStreaming = true;
      this.#res.writeHead(200, {
        'Content-Type': 'text/event-stream',
        'Cache-Control': 'no-cache, no-transform',
        'X-Accel-Buffering': 'no',
      });
      for (const answer of this.#answers) {
        this.#write(answer);
      }
    }
    this.#write(message);
  }

  #write(message: JSONRPCMessage): void {
    this.#res.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
  }

  #finish(): void {
    if (this.#isStreaming) {
      this.#res.end();
      return;
    }
    const body = Buffer.from(JSON.stringify(this.#isBatch ? this.#answers : this.#answers[0]));
    this.#res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length });
    this.#res.end(body);
  }
}
