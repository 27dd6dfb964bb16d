import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { CliError, describeCause } from '../errors.js';
import type { Fetch } from '../server/httpClient.js';
import { MAX_FRAME_BYTES, readFrames } from './FrameReader.js';
import { ExchangeError, HttpChannel } from './HttpChannel.js';
import { LegacySession } from './LegacySession.js';
import { SessionLost } from './Link.js';
import { MessageWriter } from './MessageWriter.js';
import { ModernServer } from './ModernServer.js';
import {
  errorResponse,
  findEnvelopeVersion,
  INTERNAL_ERROR,
  INVALID_REQUEST,
  isNotification,
  isRequest,
  isResponse,
  type JsonRpcId,
  type Message,
  type Notification,
  type Request,
  type Response,
} from './messages.js';

/** What a client may have waiting; more is refused, message by message. */
const MAX_REQUESTS = 500;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const PATIENCE_MS = 30_000;
/** How long calls may still take when the client has closed its end. */
const DRAIN_MS = 1_000;

/** Can be asked a second time without doing anything a second time. */
const repeatableMethods = new Set([
  'initialize',
  'server/discover',
  'ping',
  'tools/list',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'completion/complete',
]);

interface Waiting {
  readonly controller: AbortController;
  readonly bytes: number;
  /** Where the answer goes: to the client, or into the batch that the request came in. */
  readonly answer: (response: Response) => Promise<void>;
}

/**
 * A server over stdio that is somewhere else: hands on what a client says and what the server answers,
 * in the era of each message, without looking at what it is about.
 */
export class Bridge {
  readonly #input: Readable;
  readonly #writer: MessageWriter;
  readonly #modern: ModernServer;
  readonly #legacy: LegacySession;
  readonly #note: (text: string) => void;
  readonly #waiting = new Map<JsonRpcId, Waiting>();
  readonly #broken = new AbortController();
  #waitingBytes = 0;
  #idle: (() => void) | undefined;

  /** @param options.note - told what is not for the client, but for the person who looks at its log. */
  constructor(options: {
    url: URL;
    fetch: Fetch;
    headers: Readonly<Record<string, string>>;
    input: Readable;
    output: Writable;
    note: (text: string) => void;
    patienceMs?: number;
  }) {
    const { url, fetch, headers, patienceMs = PATIENCE_MS } = options;
    const channel = new HttpChannel({ fetch, headers, patienceMs });
    const deliver = (message: Message) => this.#deliver(message);
    this.#input = options.input;
    this.#note = options.note;
    this.#writer = new MessageWriter({ output: options.output, onBroken: () => this.#broken.abort() });
    this.#modern = new ModernServer({ channel, url, deliver });
    this.#legacy = new LegacySession({ channel, url, deliver, note: options.note });
  }

  /** @returns when the client has closed its end, or the signal says so. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = AbortSignal.any([signal, this.#broken.signal]);
    stop.addEventListener('abort', () => this.#input.destroy(), { once: true });
    if (stop.aborted) {
      return;
    }
    try {
      for await (const frame of readFrames(this.#input, MAX_FRAME_BYTES)) {
        if ('refusal' in frame) {
          await this.#writer.write(errorResponse(frame.refusal.id, frame.refusal));
        } else if (frame.isBatch) {
          await this.#receiveBatch(frame.messages, frame.bytes);
        } else {
          await this.#receive(frame.messages[0] as Message, frame.bytes, response => this.#writer.write(response));
        }
      }
    } catch (error) {
      if (!stop.aborted) {
        throw error;
      }
    }
    if (!stop.aborted) {
      await this.#drain(stop);
    }
    for (const { controller } of this.#waiting.values()) {
      controller.abort();
    }
    await this.#legacy.close();
    await this.#writer.flushed();
  }

  async #receiveBatch(messages: readonly Message[], bytes: number): Promise<void> {
    const answers: Response[] = [];
    const wanted = messages.filter(isRequest).length;
    const collect = async (response: Response) => {
      answers.push(response);
      if (answers.length === wanted) {
        await this.#writer.write(answers);
      }
    };
    for (const message of messages) {
      await this.#receive(message, bytes / messages.length, collect);
    }
  }

  /** Requests are answered in their own time; all else is handed on in the order in which it came. */
  async #receive(message: Message, bytes: number, answer: Waiting['answer']): Promise<void> {
    if (isRequest(message)) {
      await this.#begin(message, bytes, answer);
    } else if (isNotification(message)) {
      await this.#notify(message);
    } else if (isResponse(message)) {
      await this.#legacy
        .respond(message)
        .catch(error => this.#note(`An answer was not taken: ${describeCause(error)}`));
    }
  }

  async #begin(request: Request, bytes: number, answer: Waiting['answer']): Promise<void> {
    const problem = this.#waiting.has(request.id)
      ? `the id ${JSON.stringify(request.id)} is that of a request that is not answered yet`
      : this.#waiting.size >= MAX_REQUESTS || this.#waitingBytes + bytes > MAX_WAITING_BYTES
        ? `at most ${MAX_REQUESTS} requests and ${MAX_WAITING_BYTES} bytes may wait at a time`
        : undefined;
    if (problem) {
      await answer(errorResponse(request.id, { code: INVALID_REQUEST, message: `Invalid request: ${problem}` }));
      return;
    }
    const waiting: Waiting = { controller: new AbortController(), bytes, answer };
    this.#waiting.set(request.id, waiting);
    this.#waitingBytes += bytes;
    void this.#perform(request, waiting);
  }

  async #perform(request: Request, waiting: Waiting): Promise<void> {
    const { signal } = waiting.controller;
    try {
      await this.#attempt(request, signal).catch(error => {
        if (signal.aborted || !isLostOnTheWay(error) || !repeatableMethods.has(request.method)) {
          throw error;
        }
        return this.#attempt(request, signal);
      });
    } catch (error) {
      if (!signal.aborted) {
        this.#note(`${request.method}: ${describeCause(error)}`);
        await this.#settle(request.id, toErrorResponse(request.id, error));
      }
    } finally {
      this.#forget(request.id, waiting);
    }
  }

  #attempt(request: Request, signal: AbortSignal): Promise<void> {
    return findEnvelopeVersion(request) === undefined
      ? this.#legacy.request(request, signal)
      : this.#modern.request(request, signal);
  }

  async #notify(notification: Notification): Promise<void> {
    if (notification.method === 'notifications/cancelled') {
      // In the 2026 era, to hang up is to cancel.
      this.#waiting.get(notification.params?.requestId as JsonRpcId)?.controller.abort();
    }
    if (this.#legacy.isOpen) {
      const handedOn = this.#legacy
        .notify(notification)
        .catch(error => this.#note(`${notification.method}: ${describeCause(error)}`));
      // What comes behind a cancellation has nothing to do with it, and does not wait for the server.
      await (notification.method === 'notifications/cancelled' ? undefined : handedOn);
    }
  }

  async #deliver(message: Message): Promise<void> {
    if (isResponse(message) && message.id !== null) {
      await this.#settle(message.id, message);
    } else {
      await this.#writer.write(message);
    }
  }

  /** Answers what has not been answered or cancelled. */
  async #settle(id: JsonRpcId, response: Response): Promise<void> {
    const waiting = this.#waiting.get(id);
    if (waiting && !waiting.controller.signal.aborted) {
      this.#forget(id, waiting);
      await waiting.answer(response);
    }
  }

  #forget(id: JsonRpcId, waiting: Waiting): void {
    if (this.#waiting.get(id) === waiting) {
      this.#waiting.delete(id);
      this.#waitingBytes -= waiting.bytes;
      if (this.#waiting.size === 0) {
        this.#idle?.();
      }
    }
  }

  async #drain(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size > 0) {
      const idle = new Promise<void>(resolve => {
        this.#idle = resolve;
      });
      const enough = new AbortController();
      const late = sleep(DRAIN_MS, undefined, { signal: AbortSignal.any([signal, enough.signal]) }).catch(() => {});
      await Promise.race([idle, late]);
      enough.abort();
    }
  }
}

function isLostOnTheWay(error: unknown): boolean {
  return error instanceof ExchangeError && error.status === undefined;
}

/** 408 and 499 are about requests that a server has begun with, such as when it stops. */
function isRefusal(status: number | undefined): boolean {
  return status !== undefined && status < 500 && status !== 408 && status !== 499;
}

/** What the client is told of a request that the server has not answered. */
function toErrorResponse(id: JsonRpcId, error: unknown): Response {
  // A 401 is about HTTP; what the server says beside it is in the message.
  if (error instanceof ExchangeError && error.answer?.error && error.status !== 401) {
    return { jsonrpc: '2.0', id, error: error.answer.error };
  }
  const isKnown = error instanceof ExchangeError || error instanceof SessionLost || error instanceof CliError;
  const isCertain = error instanceof ExchangeError && (error.isUntouched || isRefusal(error.status));
  return errorResponse(id, {
    code: INTERNAL_ERROR,
    message: `${isKnown ? error.message : 'The bridge failed unexpectedly; its log on standard error has the details'}${
      error instanceof ExchangeError && !isCertain ? '. The server may have carried out the request' : ''
    }`,
  });
}
