import type { LoggerService } from '@backstage/backend-plugin-api';

const EVERY_MS = 10_000;

/** Has what has expired noted from time to time, in every replica: each approval is noted by one of them. */
export class ExpirySweep {
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | undefined;

  private constructor(timer: NodeJS.Timeout) {
    this.#timer = timer;
  }

  static start(options: { sweep: () => Promise<void>; logger: LoggerService; everyMs?: number }): ExpirySweep {
    const { sweep, logger, everyMs = EVERY_MS } = options;
    const timer = setInterval(() => {
      started.#running ??= sweep()
        .catch(error => logger.error('Expired approvals could not be noted; it is tried again', error))
        .finally(() => {
          started.#running = undefined;
        });
    }, everyMs);
    timer.unref();
    const started = new ExpirySweep(timer);
    return started;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }
}
