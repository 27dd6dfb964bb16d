/** Writes the lines of one turn of the event loop at once, and what is left when the process exits. */
export class LineBuffer {
  readonly #stream: Pick<NodeJS.WriteStream, 'write'>;
  #waiting = '';

  constructor(options: { stream: Pick<NodeJS.WriteStream, 'write'>; onExit: (flush: () => void) => void }) {
    this.#stream = options.stream;
    options.onExit(() => this.flush());
  }

  write(line: string): void {
    if (this.#waiting === '') {
      setImmediate(() => this.flush());
    }
    this.#waiting += line;
  }

  flush(): void {
    const text = this.#waiting;
    this.#waiting = '';
    if (text !== '') {
      this.#stream.write(text);
    }
  }
}
