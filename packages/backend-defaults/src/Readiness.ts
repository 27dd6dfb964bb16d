import type { RootHealthService, RootLoggerService } from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';

type Health = Awaited<ReturnType<RootHealthService['getReadiness']>>;

/** Something outside of this process without which it cannot serve. */
export interface Part {
  /** As everybody who asks is told. */
  readonly name: string;
  /** @throws what keeps it from answering. */
  ask(signal: AbortSignal): Promise<unknown>;
}

/** How long an answer is taken to hold, so that any number of probes costs one question. */
const KEEP_MS = 2_000;
/** How long a part may take to answer. */
const PATIENCE_MS = 2_000;

/** How long a part may take to be there after the start, such as other replicas to hear of this one. */
const ARRIVAL_MS = 10_000;

/** Whether this process can take requests: it has started, is not stopping, and what it stands on answers. */
export class Readiness implements RootHealthService {
  readonly #parts: readonly Part[];
  readonly #logger: RootLoggerService;
  readonly #nowMs: () => number;
  #state: 'starting' | 'up' | 'stopping' = 'starting';
  #missing = new Set<string>();
  /** Parts that have answered once. */
  readonly #known = new Set<string>();
  /** Those of whose absence the log tells. */
  readonly #reported = new Set<string>();
  #upSinceMs = 0;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;

  constructor(options: { parts: readonly Part[]; logger: RootLoggerService; nowMs?: () => number }) {
    this.#parts = options.parts;
    this.#logger = options.logger;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  started(): void {
    this.#state = 'up';
    this.#upSinceMs = this.#nowMs();
  }

  stopping(): void {
    this.#state = 'stopping';
  }

  /** Of the process alone: starting it anew brings no database back. */
  async getLiveness(): Promise<Health> {
    return { status: 200, payload: { status: 'ok' } };
  }

  async getReadiness(): Promise<Health> {
    if (this.#state === 'starting') {
      return unready('Backend has not started yet');
    }
    if (this.#state === 'up' && this.#nowMs() - this.#lookedAtMs >= KEEP_MS) {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
      await this.#looking;
    }
    // Asked anew: it may have begun to stop meanwhile.
    if (this.#state === 'stopping') {
      return unready('Backend is shutting down');
    }
    return this.#missing.size === 0
      ? { status: 200, payload: { status: 'ok' } }
      : unready(`No answer from: ${[...this.#missing].join(', ')}`);
  }

  async #look(): Promise<void> {
    const found = await Promise.all(this.#parts.map(part => this.#isMissing(part)));
    this.#missing = new Set(found.flatMap(name => name ?? []));
    this.#lookedAtMs = this.#nowMs();
  }

  async #isMissing({ name, ask }: Part): Promise<string | undefined> {
    const failure = await answerOf(ask).then(
      () => undefined,
      error => toError(error),
    );
    if (!failure) {
      if (this.#missing.has(name)) {
        this.#logger.info(`${name} answers${this.#known.has(name) ? ' again' : ''}`);
      }
      this.#known.add(name);
      this.#reported.delete(name);
    } else if (this.#known.has(name) || this.#nowMs() - this.#upSinceMs >= ARRIVAL_MS) {
      if (!this.#reported.has(name)) {
        this.#logger.error(`Not ready: no answer from ${name}: ${failure.message}`);
      }
      this.#reported.add(name);
    } else if (!this.#missing.has(name)) {
      this.#logger.info(`Not ready yet: no answer from ${name}: ${failure.message}`);
    }
    return failure && name;
  }
}

async function answerOf(ask: Part['ask']): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const late = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error(`nothing came within ${PATIENCE_MS} ms`)));
  });
  await Promise.race([ask(signal), late]);
}

function unready(message: string): Health {
  return { status: 503, payload: { message, status: 'error' } };
}
