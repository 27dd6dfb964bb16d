import type { CallClient } from '@callboard/actions-api';

/** Measures how long a handler is at work; stands still while it waits for the client. */
export class CallClock {
  readonly #onTimeUp: () => void;
  #leftMs: number;
  #startedAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  /** What is waited for at the moment. */
  #waits = 0;
  #isOver = false;

  constructor(options: { limitMs: number; onTimeUp: () => void }) {
    this.#leftMs = options.limitMs;
    this.#onTimeUp = options.onTimeUp;
  }

  start(): void {
    this.#startedAtMs = performance.now();
    this.#timer = setTimeout(
      () => {
        this.#isOver = true;
        this.#onTimeUp();
      },
      Math.max(1, this.#leftMs),
    ).unref();
  }

  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** @returns the client, for as long as the call goes on: the clock stands still while it is asked. */
  standStillFor(client: CallClient): CallClient {
    return new ClockedClient(this, client);
  }

  /** Asks somebody, and stands still until they have answered. */
  whileWaiting<T>(ask: () => Promise<T>): Promise<T> {
    const answer = this.#waitFor(ask);
    // A handler that does not wait for its answer must not take the process down when none comes.
    answer.catch(() => {});
    return answer;
  }

  async #waitFor<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#isOver) {
      throw new Error('The client cannot be asked any more: the call has ended');
    }
    this.#pause();
    try {
      return await ask();
    } finally {
      this.#goOn();
    }
  }

  #pause(): void {
    this.#waits += 1;
    if (this.#waits === 1 && !this.#isOver) {
      clearTimeout(this.#timer);
      this.#leftMs -= performance.now() - this.#startedAtMs;
    }
  }

  #goOn(): void {
    this.#waits -= 1;
    if (this.#waits === 0 && !this.#isOver) {
      this.start();
    }
  }
}

class ClockedClient implements CallClient {
  readonly #clock: CallClock;
  readonly #client: CallClient;

  constructor(clock: CallClock, client: CallClient) {
    this.#clock = clock;
    this.#client = client;
  }

  get can(): CallClient['can'] {
    return this.#client.can;
  }

  elicit: CallClient['elicit'] = question => this.#clock.whileWaiting(() => this.#client.elicit(question));

  ask: CallClient['ask'] = requests => this.#clock.whileWaiting(() => this.#client.ask(requests));

  reportProgress: CallClient['reportProgress'] = progress => {
    if (!this.#clock.isOver) {
      this.#client.reportProgress(progress);
    }
  };

  log: CallClient['log'] = (level, data, logger) => {
    if (!this.#clock.isOver) {
      this.#client.log(level, data, logger);
    }
  };
}
