import { Writable } from 'node:stream';

const MAX_KEPT_CHARACTERS = 256 * 1024;

/**
 * What a backend writes to standard output: its log and its first screen. They are of interest when the start fails,
 * or when somebody wants to see them.
 */
export class StartLog extends Writable {
  readonly #target: Writable;
  #isShown: boolean;
  #kept = '';

  /** @param options.isShown - whether everything is shown at once. */
  constructor(options: { target: Writable; isShown: boolean }) {
    super({ decodeStrings: true });
    this.#target = options.target;
    this.#isShown = options.isShown;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.#isShown) {
      this.#target.write(chunk);
    } else {
      this.#kept = (this.#kept + chunk.toString('utf8')).slice(-MAX_KEPT_CHARACTERS);
    }
    done();
  }

  /** Shows what has been kept, and everything from now on. */
  show(): void {
    this.#target.write(this.#kept);
    this.forget();
  }

  /** Lets go of what has been kept, and shows everything from now on. */
  forget(): void {
    this.#kept = '';
    this.#isShown = true;
  }
}
