import { setTimeout as delay } from 'node:timers/promises';
import type { AuditEntry, AuditTrail } from '@callboard/actions-api';

/** From the end of a call until its answer is on its way. */
const ANSWER_MS = 50;

/** Counts the calls whose handlers run, at every door. */
export class CallsUnderWay implements AuditTrail {
  readonly id = 'calls-under-way';
  #running = 0;
  #onOver: (() => void) | undefined;
  readonly #entry: AuditEntry = { finish: async () => this.#ended() };

  async begin(): Promise<AuditEntry> {
    this.#running += 1;
    return this.#entry;
  }

  async refuse(): Promise<void> {}

  /** @returns how many are not over in this time. */
  async over({ timeoutMs }: { timeoutMs: number }): Promise<number> {
    if (this.#running > 0) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#onOver = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      await delay(ANSWER_MS);
    }
    return this.#running;
  }

  #ended(): void {
    this.#running -= 1;
    if (this.#running === 0) {
      this.#onOver?.();
    }
  }
}
