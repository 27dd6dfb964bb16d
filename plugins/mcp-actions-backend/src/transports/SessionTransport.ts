import type { JsonObject } from '@backstage/types';
import type { JSONRPCMessage, MessageExtraInfo, RequestId, Transport } from '@modelcontextprotocol/server';
import type { ConnectionTransport } from './Connection.js';
import { LiveStream, type Outlet } from './LiveStream.js';
import { answeredBy, cancelledBy } from './messages.js';
import type { RequestIds } from './RequestIds.js';
import { OWN_STREAM, type SentEvents } from './SentEvents.js';

/** The stream of a POST, on which its requests are answered. */
export class CallStream extends LiveStream {
  readonly unanswered: Set<RequestId>;

  constructor(id: string, requests: readonly RequestId[]) {
    super(id);
    this.unanswered = new Set(requests);
  }
}

/** Of the `initialize` that another replica has answered; no client's request has it. */
const REPLAYED = 'callboard-replayed-initialize';

/**
 * One session of the 2025 era in this process: knows what is still to be answered, and on which stream.
 * With `events`, what it sends is kept for a client that loses a stream and comes back.
 */
export class SessionTransport implements Transport, ConnectionTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: <T extends JSONRPCMessage>(message: T, extra?: MessageExtraInfo) => void;
  readonly sessionId: string;
  readonly events: SentEvents | undefined;
  /** On which the server speaks first. */
  readonly ownStream = new LiveStream(OWN_STREAM);
  readonly #ids: RequestIds;
  readonly #newStreamId: () => string;
  readonly #onIdle: () => void;
  readonly #retryMs: number;
  readonly #calls = new Map<RequestId, CallStream>();
  #version: string | undefined;
  #onReplayed: (() => void) | undefined;
  #isClosed = false;

  constructor(options: {
    sessionId: string;
    events: SentEvents | undefined;
    ids: RequestIds;
    newStreamId: () => string;
    /** Told when no request is in flight any more. */
    onIdle: () => void;
    /** After how long a client is to come back, whose stream is ended before its end. */
    retryMs: number;
  }) {
    this.sessionId = options.sessionId;
    this.events = options.events;
    this.#ids = options.ids;
    this.#newStreamId = options.newStreamId;
    this.#onIdle = options.onIdle;
    this.#retryMs = options.retryMs;
  }

  /** The revision that the session speaks; undefined before that is settled. */
  get version(): string | undefined {
    return this.#version;
  }

  get isBusy(): boolean {
    return this.#calls.size > 0;
  }

  async start(): Promise<void> {}

  setProtocolVersion(version: string): void {
    this.#version = version;
  }

  /** Whether a request of the client's is being served here. */
  serves(id: RequestId): boolean {
    return this.#calls.has(id);
  }

  findCall(streamId: string): CallStream | undefined {
    for (const call of this.#calls.values()) {
      if (call.id === streamId) {
        return call;
      }
    }
    return undefined;
  }

  /** Makes the stream of a POST with these requests, none of which is being served. */
  begin(requests: readonly RequestId[], outlet: Outlet): CallStream {
    const call = new CallStream(this.#newStreamId(), requests);
    call.add(outlet);
    for (const id of requests) {
      this.#calls.set(id, call);
    }
    return call;
  }

  /** Hands the protocol what its client has sent, whichever replica it has reached. */
  receive(message: JSONRPCMessage, extra?: MessageExtraInfo): void {
    this.onmessage?.(this.#ids.fromClient(message), extra);
    const cancelled = cancelledBy(message);
    const call = cancelled === undefined ? undefined : this.#calls.get(cancelled);
    if (cancelled !== undefined && call) {
      // No answer comes for it, so that its stream would stay open for nothing. First, the protocol
      // hears of it, and takes back what it has asked the client on the stream.
      setImmediate(() => this.#settle(cancelled, call));
    }
  }

  async initialize(params: JsonObject): Promise<void> {
    const replayed = new Promise<void>(resolve => {
      this.#onReplayed = resolve;
    });
    this.onmessage?.({ jsonrpc: '2.0', id: REPLAYED, method: 'initialize', params });
    await replayed;
  }

  async send(message: JSONRPCMessage, options?: { relatedRequestId?: RequestId }): Promise<void> {
    const answered = answeredBy(message);
    if (answered === REPLAYED && this.#onReplayed) {
      this.#onReplayed();
      this.#onReplayed = undefined;
    } else if (answered !== undefined) {
      this.#answer(answered, message);
    } else {
      this.#publish(this.#streamFor(options?.relatedRequestId), this.#ids.toClient(message));
    }
  }

  endStreams(): void {
    this.ownStream.end();
  }

  async flush(): Promise<void> {
    await this.events?.flush();
  }

  /** Answers what is in flight with an error, for a client that goes on at another replica. */
  async leave(error: { code: number; message: string }): Promise<void> {
    for (const id of [...this.#calls.keys()]) {
      this.#answer(id, { jsonrpc: '2.0', id, error });
    }
    this.ownStream.end(this.#retryMs);
    await this.close();
  }

  async close(): Promise<void> {
    if (this.#isClosed) {
      return;
    }
    this.#isClosed = true;
    const calls = new Set(this.#calls.values());
    this.#calls.clear();
    for (const call of calls) {
      call.end();
    }
    this.ownStream.end();
    this.onclose?.();
    await this.events?.close();
  }

  #streamFor(request: RequestId | undefined): LiveStream {
    const stream = request === undefined ? this.ownStream : this.#calls.get(request);
    if (!stream) {
      throw new Error(`The request ${JSON.stringify(request)} has been answered, or cancelled`);
    }
    return stream;
  }

  #answer(id: RequestId, message: JSONRPCMessage): void {
    const call = this.#calls.get(id);
    if (call) {
      call.unanswered.delete(id);
      this.#publish(call, message, call.unanswered.size === 0);
      this.#settle(id, call);
    }
  }

  #publish(stream: LiveStream, message: JSONRPCMessage, isLast = false): void {
    const json = JSON.stringify(message);
    stream.send(json, this.events?.add(stream.id, json, { isLast }));
  }

  #settle(id: RequestId, call: CallStream): void {
    call.unanswered.delete(id);
    if (this.#calls.get(id) === call) {
      this.#calls.delete(id);
    }
    if (call.unanswered.size === 0) {
      call.end();
    }
    if (!this.isBusy) {
      this.#onIdle();
    }
  }
}
