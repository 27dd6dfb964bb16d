import type { ServerResponse } from 'node:http';
import { httpStatusOf } from './modernDuties.js';
import type { Message } from './StdioRelay.js';

/** The answer to one HTTP request: a stream of events, or one JSON document where the answer comes first. */
export class AnswerStream {
  readonly #res: ServerResponse;
  readonly #headers: Record<string, string>;

  constructor(options: { res: ServerResponse; headers?: Record<string, string> }) {
    this.#res = options.res;
    this.#headers = options.headers ?? {};
  }

  get isOpen(): boolean {
    return !this.#res.writableEnded && !this.#res.destroyed;
  }

  /** Makes it a stream, whatever comes first. */
  open(): void {
    this.#res.writeHead(200, {
      ...this.#headers,
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-cache',
      'X-Accel-Buffering': 'no',
    });
    this.#res.flushHeaders();
  }

  write(message: Message): void {
    if (!this.isOpen) {
      return;
    }
    const isLast = message.method === undefined;
    if (isLast && !this.#res.headersSent) {
      this.#res
        .writeHead(httpStatusOf(message.error?.code), { ...this.#headers, 'Content-Type': 'application/json' })
        .end(JSON.stringify(message));
      return;
    }
    if (!this.#res.headersSent) {
      this.open();
    }
    this.#res.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
    if (isLast) {
      this.end();
    }
  }

  /** Answers what needs no answer. */
  accept(): void {
    this.#res.writeHead(202, this.#headers).end();
  }

  end(): void {
    this.#res.end();
  }
}
