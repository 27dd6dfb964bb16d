import type { JsonObject } from '@backstage/types';
import type { JSONRPCMessage, MessageExtraInfo, RequestId, Transport } from '@modelcontextprotocol/server';
import type { ConnectionTransport } from './Connection.js';
import { answeredBy, cancelledBy, isRequest } from './messages.js';
import type { RequestIds } from './RequestIds.js';

/** Of the `initialize` that another replica has answered; no client's request has it. */
const REPLAYED = 'callboard-replayed-initialize';

/** This process's side of a stream of HTTP+SSE, which it or another replica has. */
export class SseTransport implements Transport, ConnectionTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: <T extends JSONRPCMessage>(message: T, extra?: MessageExtraInfo) => void;
  readonly sessionId: string;
  /** The replica that has the stream; undefined if it is this one. */
  readonly streamAt: string | undefined;
  readonly #ids: RequestIds;
  readonly #write: (json: string) => void | Promise<void>;
  readonly #end: () => void;
  readonly #serving = new Set<RequestId>();
  #onReplayed: (() => void) | undefined;
  #isClosed = false;

  constructor(options: {
    sessionId: string;
    streamAt: string | undefined;
    ids: RequestIds;
    /** Sends the JSON of a message on the stream. */
    write: (json: string) => void | Promise<void>;
    /** Ends the stream. */
    end: () => void;
  }) {
    this.sessionId = options.sessionId;
    this.streamAt = options.streamAt;
    this.#ids = options.ids;
    this.#write = options.write;
    this.#end = options.end;
  }

  get isBusy(): boolean {
    return this.#serving.size > 0;
  }

  async start(): Promise<void> {}

  serves(id: RequestId): boolean {
    return this.#serving.has(id);
  }

  receive(message: JSONRPCMessage, extra?: MessageExtraInfo): void {
    if (isRequest(message)) {
      this.#serving.add(message.id);
    }
    this.onmessage?.(this.#ids.fromClient(message), extra);
    const cancelled = cancelledBy(message);
    if (cancelled !== undefined) {
      this.#serving.delete(cancelled);
    }
  }

  async initialize(params: JsonObject): Promise<void> {
    const replayed = new Promise<void>(resolve => {
      this.#onReplayed = resolve;
    });
    this.onmessage?.({ jsonrpc: '2.0', id: REPLAYED, method: 'initialize', params });
    await replayed;
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const answered = answeredBy(message);
    if (answered === REPLAYED && this.#onReplayed) {
      this.#onReplayed();
      this.#onReplayed = undefined;
      return;
    }
    if (answered !== undefined) {
      this.#serving.delete(answered);
    }
    await this.#write(JSON.stringify(this.#ids.toClient(message)));
  }

  /** Writes what another replica has to say on the stream that is here. */
  async pass(json: string): Promise<void> {
    await this.#write(json);
  }

  endStreams(): void {
    this.#end();
  }

  async flush(): Promise<void> {}

  async leave(error: { code: number; message: string }): Promise<void> {
    const unanswered = [...this.#serving];
    // It counts as answered before the protocol is closed, which would only abort it.
    await Promise.allSettled(unanswered.map(id => this.send({ jsonrpc: '2.0', id, error })));
    await this.close();
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#serving.clear();
      this.#end();
      this.onclose?.();
    }
  }
}
