import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { Message } from './messages.js';

/** Writes messages to the client, one line each. Whoever writes waits while the client does not read. */
export class MessageWriter {
  readonly #output: Writable;
  #last: Promise<void> = Promise.resolve();
  #isBroken = false;

  constructor(options: { output: Writable; onBroken: () => void }) {
    this.#output = options.output;
    this.#output.on('error', () => {
      this.#isBroken = true;
      options.onBroken();
    });
  }

  write(message: Message | readonly Message[]): Promise<void> {
    this.#last = this.#last.then(async () => {
      if (!this.#isBroken && !this.#output.write(`${JSON.stringify(message)}\n`)) {
        // An error, too, ends the wait: nobody reads any more.
        await once(this.#output, 'drain').catch(() => {});
      }
    });
    return this.#last;
  }

  flushed(): Promise<void> {
    return this.#last;
  }
}
