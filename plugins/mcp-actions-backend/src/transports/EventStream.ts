import type { ServerResponse } from 'node:http';
import { whenClosed } from '@callboard/actions';
import type { Outlet } from './LiveStream.js';

/** A stream of which its client has left this much unread when the next event comes is closed. */
export const MAX_UNREAD_BYTES = 8 * 1024 * 1024;

const KEEP_ALIVE = ': keep-alive\n\n';
const HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
};

/**
 * An event stream as the answer to a request. While nothing else is sent, comments are, so that
 * nothing in between gives the connection up; a client that does not read is given up.
 */
export class EventStream implements Outlet {
  readonly #res: ServerResponse;
  readonly #keepAliveMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isAmidEvent = false;

  constructor(options: { res: ServerResponse; keepAliveMs: number }) {
    this.#res = options.res;
    this.#keepAliveMs = options.keepAliveMs;
  }

  /** Whether it has begun, so that all that follows has to be events. */
  get isOpen(): boolean {
    return this.#res.headersSent;
  }

  /** Fills silence from now on. An answer that has not begun by then begins as an event stream. */
  keepAlive(): void {
    if (this.#timer || this.#isOver) {
      return;
    }
    this.#timer = setInterval(() => this.#fillSilence(), this.#keepAliveMs).unref();
    whenClosed(this.#res, () => this.stop());
  }

  open(): void {
    if (!this.isOpen && !this.#isOver) {
      this.#res.writeHead(200, HEADERS);
      this.#res.flushHeaders();
    }
    this.keepAlive();
  }

  /** @param events - whole ones, or a part of what is piped. */
  write(events: string | Uint8Array): void {
    this.open();
    if (this.#isOver) {
      return;
    }
    if (this.#res.writableLength > MAX_UNREAD_BYTES) {
      this.#res.destroy();
      return;
    }
    this.#isAmidEvent = !endsEvent(events);
    this.#res.write(events);
    this.#timer?.refresh();
  }

  /** Sends a JSON-RPC message as an event. */
  writeMessage(message: unknown, eventId?: string): void {
    this.send(JSON.stringify(message), eventId);
  }

  send(json: string, eventId: string | undefined): void {
    const id = eventId === undefined ? '' : `id: ${eventId}\n`;
    this.write(`event: message\n${id}data: ${json}\n\n`);
  }

  /** Says when to come back after the stream has ended, and from which event on. */
  sayWhenToReturn(retryMs: number, eventId?: string): void {
    this.write(eventId === undefined ? `retry: ${retryMs}\n\n` : `id: ${eventId}\nretry: ${retryMs}\ndata: \n\n`);
  }

  end(retryMs?: number): void {
    if (retryMs !== undefined) {
      this.sayWhenToReturn(retryMs);
    }
    this.stop();
    if (!this.#isOver) {
      this.#res.end();
    }
  }

  /** Sends no more comments: the answer has come, or the client has gone. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  get #isOver(): boolean {
    return this.#res.destroyed || this.#res.closed || this.#res.writableEnded;
  }

  #fillSilence(): void {
    // What has not been read yet breaks the silence as soon as it is.
    if (!this.#isAmidEvent && this.#res.writableLength === 0) {
      this.write(KEEP_ALIVE);
    }
  }
}

function endsEvent(events: string | Uint8Array): boolean {
  return typeof events === 'string' ? events.endsWith('\n\n') : events.at(-1) === 10 && events.at(-2) === 10;
}
