import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { whenClosed } from '@callboard/actions';

/** How long connections are waited for whose last answer is written. */
const CLOSING_MS = 1_000;
/** How long after it was taken a connection may bring its first request. */
const FIRST_REQUEST_MS = 1_000;

/**
 * Ends an HTTP server so that its clients notice little: they are sent elsewhere while their calls are
 * still answered. Streams on which the server speaks at its own time are for their owners to end.
 */
export class HttpDrain {
  readonly #server: Server;
  /**
   * In the order of their beginning. A list, because a map of ever other keys leaves tables behind that keep
   * whole requests in memory for long.
   */
  readonly #open: ServerResponse[] = [];
  /** Connections over which nothing has come yet: their clients count on them. */
  readonly #fresh = new Set<Socket>();
  #isTurningAway = false;
  #closed: Promise<void> | undefined;
  #onOver: (() => void) | undefined;

  constructor(options: { server: Server }) {
    this.#server = options.server;
  }

  /** Keeps account of requests from now on. */
  watch(): void {
    const event = 'setSecureContext' in this.#server ? 'secureConnection' : 'connection';
    this.#server.on(event, (socket: Socket) => {
      this.#fresh.add(socket);
      socket.once('close', () => {
        this.#fresh.delete(socket);
        this.#tellIfOver();
      });
    });
    this.#server.prependListener('request', (req, res) => {
      this.#fresh.delete(req.socket);
      this.#open.push(res);
      whenClosed(res, () => this.#forget(res));
      if (this.#isTurningAway) {
        endConnectionWith(res);
      }
    });
  }

  /** From now on an answer ends its connection, so that the next request may come to another process. */
  turnAway(): void {
    this.#isTurningAway = true;
    for (const res of this.#open) {
      endConnectionWith(res);
    }
  }

  /**
   * Takes no connections any more, and waits for the requests that are being answered.
   *
   * @returns how many are not answered in this time.
   */
  async finishCalls({ timeoutMs }: { timeoutMs: number }): Promise<number> {
    this.#closed ??= new Promise(resolve => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const noMore = setTimeout(() => {
      for (const socket of this.#fresh) {
        socket.destroy();
      }
    }, FIRST_REQUEST_MS);
    if (!this.#isOver()) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#onOver = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    clearTimeout(noMore);
    return this.#callsUnderWay();
  }

  /** Ends what is left. */
  async close(): Promise<void> {
    this.turnAway();
    const timer = setTimeout(() => this.#server.closeAllConnections(), CLOSING_MS);
    this.#closed ??= new Promise(resolve => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    await this.#closed;
    clearTimeout(timer);
  }

  #forget(res: ServerResponse): void {
    // Those that take long are at the beginning.
    this.#open.splice(this.#open.lastIndexOf(res), 1);
    if (this.#closed) {
      // Those whose headers were written before are kept alive by them.
      setImmediate(() => this.#server.closeIdleConnections());
    }
    this.#tellIfOver();
  }

  #tellIfOver(): void {
    if (this.#isOver()) {
      this.#onOver?.();
    }
  }

  #isOver(): boolean {
    return this.#fresh.size === 0 && this.#callsUnderWay() === 0;
  }

  #callsUnderWay(): number {
    return this.#open.filter(({ req }) => !asksForStream(req)).length;
  }
}

function endConnectionWith(res: ServerResponse): void {
  if (!res.headersSent) {
    res.setHeader('Connection', 'close');
  }
}

/** Streams over which changes are told, and HTTP+SSE: they end when somebody ends them. */
function asksForStream({ method, headers }: IncomingMessage): boolean {
  return (
    (method === 'GET' && headers.accept?.includes('text/event-stream') === true) ||
    headers['mcp-method'] === 'subscriptions/listen'
  );
}
