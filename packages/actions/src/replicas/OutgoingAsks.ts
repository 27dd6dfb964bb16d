import { NotFoundError, ServiceUnavailableError } from '@backstage/errors';
import type { JsonValue } from '@backstage/types';
import { receiveError } from './carriedErrors.js';
import type { Liveness } from './Liveness.js';
import { type AskMessage, type Outcome, writeMessage } from './messages.js';

interface OpenAsk {
  readonly to: string;
  readonly message: Omit<AskMessage, 'seen'>;
  readonly onTold: ((payload: JsonValue) => void) | undefined;
  seen: number;
  resolve(answer: JsonValue): void;
  reject(error: unknown): void;
}

/**
 * Requests to other replicas that wait for their answers. They are sent again after Redis was away,
 * and count as the same ones then.
 */
export class OutgoingAsks {
  readonly #send: (to: string, message: string) => Promise<number>;
  readonly #isComing: (to: string, attempt: number) => Promise<boolean>;
  readonly #liveness: Liveness;
  readonly #open = new Map<number, OpenAsk>();
  #count = 0;

  constructor(options: {
    /**
     * @param message - from `writeMessage`.
     * @returns how many have it.
     */
    send: (to: string, message: string) => Promise<number>;
    /** Waits a moment if a replica that cannot be reached may be back after it. */
    isComing: (to: string, attempt: number) => Promise<boolean>;
    liveness: Liveness;
  }) {
    this.#send = options.send;
    this.#isComing = options.isComing;
    this.#liveness = options.liveness;
  }

  async ask(
    to: string,
    topic: string,
    payload: JsonValue,
    options: { timeoutMs: number; signal?: AbortSignal; onTold?: (payload: JsonValue) => void },
  ): Promise<JsonValue> {
    const { timeoutMs, signal, onTold } = options;
    signal?.throwIfAborted();
    this.#count += 1;
    const ask = this.#count;
    let resolve!: OpenAsk['resolve'];
    let reject!: OpenAsk['reject'];
    const answered = new Promise<JsonValue>((onResolve, onReject) => {
      resolve = onResolve;
      reject = onReject;
    });
    const open: OpenAsk = {
      to,
      message: { kind: 'ask', ask, topic, payload, timeoutMs },
      onTold,
      seen: 0,
      resolve,
      reject,
    };
    this.#open.set(ask, open);
    const timer = setTimeout(
      () => reject(new ServiceUnavailableError('Another replica of this server did not answer in time')),
      timeoutMs,
    );
    const abort = () => reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const unwatch = this.#liveness.watch(to, () => reject(goneError(to)));
    this.#deliver(open).catch(reject);
    try {
      return await answered;
    } finally {
      this.#open.delete(ask);
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      unwatch();
      // It keeps what comes of the request until then. Without a connection, its own time limit ends that.
      this.#send(to, writeMessage({ kind: 'done', ask })).catch(() => {});
    }
  }

  receive(from: string, outcome: Outcome): void {
    const open = this.#open.get(outcome.ask);
    // What was sent again may have arrived before.
    if (open?.to !== from || outcome.number !== open.seen) {
      return;
    }
    open.seen += 1;
    if (outcome.kind === 'told') {
      open.onTold?.(outcome.payload);
    } else if (outcome.kind === 'answer') {
      open.resolve(outcome.payload);
    } else {
      open.reject(receiveError(outcome.error));
    }
  }

  /** Asks again for what may have been lost. */
  repeat(): void {
    for (const open of this.#open.values()) {
      this.#deliver(open).catch(open.reject);
    }
  }

  failAll(error: Error): void {
    for (const { reject } of this.#open.values()) {
      reject(error);
    }
  }

  async #deliver({ to, message, seen }: OpenAsk): Promise<void> {
    for (let attempt = 1; (await this.#send(to, writeMessage({ ...message, seen }))) === 0; attempt += 1) {
      if (!this.#open.has(message.ask)) {
        return;
      }
      if (!(await this.#isComing(to, attempt))) {
        throw goneError(to);
      }
    }
  }
}

function goneError(to: string): NotFoundError {
  return new NotFoundError(`There is no replica ${JSON.stringify(to)}, or not any more`);
}
