import { randomBytes } from 'node:crypto';
import type { LoggerService } from '@backstage/backend-plugin-api';
import { NotFoundError, toError } from '@backstage/errors';
import type { JsonValue } from '@backstage/types';
import { type CarriedError, carryError } from './carriedErrors.js';
import type { Liveness } from './Liveness.js';
import { type AskMessage, type Result, writeMessage } from './messages.js';
import type { Asked } from './Replicas.js';

type Handler = (payload: JsonValue, asked: Asked) => Promise<JsonValue>;
interface Answering {
  readonly from: string;
  readonly ask: number;
  readonly topic: string;
  /** As they are sent. */
  readonly outcomes: string[];
  readonly abandoned: AbortController;
  forget(): void;
}

/**
 * Requests of other replicas that are answered here. What comes of one is kept until it has arrived,
 * so that a request that comes again is not run again.
 */
export class IncomingAsks {
  readonly #send: (to: string, message: string) => Promise<number>;
  readonly #liveness: Liveness;
  readonly #logger: LoggerService;
  readonly #handlers = new Map<string, Handler>();
  readonly #answering = new Map<string, Answering>();

  constructor(options: {
    /** @param message - from `writeMessage`. */
    send: (to: string, message: string) => Promise<number>;
    liveness: Liveness;
    logger: LoggerService;
  }) {
    this.#send = options.send;
    this.#liveness = options.liveness;
    this.#logger = options.logger;
  }

  answer(topic: string, handler: Handler): () => void {
    if (this.#handlers.has(topic)) {
      throw new Error(`Requests of other replicas under "${topic}" are answered already`);
    }
    this.#handlers.set(topic, handler);
    return () => {
      if (this.#handlers.get(topic) === handler) {
        this.#handlers.delete(topic);
      }
    };
  }

  receive(from: string, message: AskMessage): void {
    const known = this.#answering.get(keyOf(from, message.ask));
    if (known) {
      this.#sendAll(known, message.seen);
      return;
    }
    const answering = this.#begin(from, message);
    void this.#run(message, answering).then(
      payload => this.#tell(answering, { kind: 'answer', payload: payload ?? null }),
      error => this.#tell(answering, { kind: 'error', error: this.#describe(answering, error) }),
    );
  }

  /** Nobody waits for it any more. */
  forget(from: string, ask: number): void {
    this.#answering.get(keyOf(from, ask))?.forget();
  }

  /** Sends again what may have been lost. */
  repeat(): void {
    for (const answering of this.#answering.values()) {
      this.#sendAll(answering, 0);
    }
  }

  stop(): void {
    for (const answering of this.#answering.values()) {
      answering.forget();
    }
  }

  #begin(from: string, { ask, topic, timeoutMs }: AskMessage): Answering {
    const key = keyOf(from, ask);
    const abandoned = new AbortController();
    const forget = () => {
      this.#answering.delete(key);
      clearTimeout(timer);
      unwatch();
      abandoned.abort();
    };
    // Should nobody say that it is over.
    const timer = setTimeout(forget, timeoutMs);
    timer.unref();
    const unwatch = this.#liveness.watch(from, forget);
    const answering: Answering = { from, ask, topic, outcomes: [], abandoned, forget };
    this.#answering.set(key, answering);
    return answering;
  }

  async #run({ topic, payload }: AskMessage, answering: Answering): Promise<JsonValue> {
    const handler = this.#handlers.get(topic);
    if (!handler) {
      throw new NotFoundError(`This replica does not answer "${topic}"`);
    }
    let isOver = false;
    const { from, abandoned } = answering;
    const asked: Asked = {
      from,
      signal: abandoned.signal,
      tell: told => {
        if (!isOver) {
          this.#tell(answering, { kind: 'told', payload: told ?? null });
        }
      },
    };
    try {
      return await handler(payload, asked);
    } finally {
      isOver = true;
    }
  }

  #tell(answering: Answering, result: Result): void {
    const { from, ask, outcomes, abandoned } = answering;
    if (abandoned.signal.aborted) {
      return;
    }
    let text: string;
    try {
      text = writeMessage({ ...result, ask, number: outcomes.length });
    } catch (error) {
      // Too long. An error never is.
      this.#tell(answering, { kind: 'error', error: this.#describe(answering, new Error(toError(error).message)) });
      return;
    }
    outcomes.push(text);
    // Without a connection it is sent again later.
    this.#send(from, text).catch(() => {});
  }

  /** Says to the other replica what it may know, and to the log what it may not. */
  #describe({ from, topic }: Answering, thrown: unknown): CarriedError {
    const reference = randomBytes(9).toString('base64url');
    const { expected, ...error } = carryError(thrown, reference, `What another replica was asked ("${topic}")`);
    if (!expected) {
      this.#logger.error(`What replica ${from} asked ("${topic}", request id ${reference}) failed`, toError(thrown));
    }
    return error;
  }

  #sendAll({ from, outcomes }: Answering, seen: number): void {
    for (const outcome of outcomes.slice(seen)) {
      this.#send(from, outcome).catch(() => {});
    }
  }
}

function keyOf(from: string, ask: number): string {
  return `${from}.${ask}`;
}
