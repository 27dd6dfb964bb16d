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

  /** @returns the client, for as long as the call goes on: the clock stands still while it is asked. */
  standStillFor(client: CallClient): CallClient {
    return {
      get can() {
        return client.can;
      },
      elicit: question => this.#whileWaiting(() => client.elicit(question)),
      ask: requests => this.#whileWaiting(() => client.ask(requests)),
      reportProgress: progress => {
        if (!this.#isOver) {
          client.reportProgress(progress);
        }
      },
      log: (level, data, logger) => {
        if (!this.#isOver) {
          client.log(level, data, logger);
        }
      },
    };
  }

  #whileWaiting<T>(ask: () => Promise<T>): Promise<T> {
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
