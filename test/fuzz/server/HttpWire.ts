import { Agent, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { Violation } from '../engine/expect.js';

const LIMIT_MS = 15_000;

export interface WireAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Whether it was still coming in when enough of it was there. */
  readonly isOpen: boolean;
}

export interface WireRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
  /** Whether enough of a stream has come; streams that the server does not end need it. */
  readonly until?: (text: string) => boolean;
}

/** Sends requests that Node's client can send, over connections that are used again. */
export class HttpWire {
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });

  constructor(options: { port: number }) {
    this.#port = options.port;
  }

  /** @throws Violation if no answer comes in time; Error if the connection breaks. */
  send({ method = 'POST', path, headers = {}, body, until }: WireRequest): Promise<WireAnswer> {
    return new Promise((resolve, reject) => {
      const req = request({
        host: '127.0.0.1',
        port: this.#port,
        agent: this.#agent,
        method,
        path,
        headers: {
          Host: `localhost:${this.#port}`,
          ...headers,
          ...(body !== undefined && { 'Content-Length': Buffer.byteLength(body) }),
        },
      });
      const timeout = setTimeout(() => {
        reject(new Violation(`It hangs: ${method} ${path} has no whole answer after ${LIMIT_MS} ms`));
        req.destroy();
      }, LIMIT_MS);
      req.once('close', () => clearTimeout(timeout));
      req.once('error', reject);
      req.once('response', res => {
        let text = '';
        const finish = (isOpen: boolean) => {
          resolve({ status: res.statusCode ?? 0, headers: res.headers, text, isOpen });
          if (isOpen) {
            req.destroy();
          }
        };
        res.setEncoding('utf8');
        res.on('data', (chunk: string) => {
          text += chunk;
          if (until?.(text)) {
            finish(true);
          }
        });
        res.once('end', () => finish(false));
        res.once('error', reject);
        if (until?.('')) {
          finish(true);
        }
      });
      req.end(body);
    });
  }

  /** Opens a stream that the server keeps open, and of which the caller decides when to leave it. */
  open({ method = 'POST', path, headers = {}, body }: Omit<WireRequest, 'until'>): Promise<OpenStream> {
    return new Promise((resolve, reject) => {
      const req = request({
        host: '127.0.0.1',
        port: this.#port,
        agent: this.#agent,
        method,
        path,
        headers: { Host: `localhost:${this.#port}`, ...headers },
      });
      req.once('error', reject);
      req.once('response', res => resolve(new OpenStream({ res, req })));
      req.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** An answer that is still coming in. */
export class OpenStream {
  readonly #req: ClientRequest;
  readonly #waiting = new Set<() => void>();
  #text = '';
  #hasEnded = false;

  constructor({ res, req }: { res: IncomingMessage; req: ClientRequest }) {
    this.#req = req;
    req.on('error', () => {});
    res.setEncoding('utf8');
    res.on('data', (chunk: string) => {
      this.#text += chunk;
      this.#tell();
    });
    res.on('error', () => {});
    res.once('close', () => {
      this.#hasEnded = true;
      this.#tell();
    });
  }

  /** @throws Violation if it does not come in time, or the stream ends without it. */
  waitFor(isThere: (text: string) => boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (isThere(this.#text) || this.#hasEnded) {
          clearTimeout(timeout);
          this.#waiting.delete(look);
          if (isThere(this.#text)) {
            resolve(this.#text);
          } else {
            reject(new Violation(`A stream ended without what has to come on it: ${this.#text}`));
          }
        }
      };
      const timeout = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Violation(`It hangs: what has to come on a stream does not, after ${LIMIT_MS} ms: ${this.#text}`));
      }, LIMIT_MS);
      this.#waiting.add(look);
      look();
    });
  }

  close(): void {
    this.#req.destroy();
  }

  #tell(): void {
    for (const look of [...this.#waiting]) {
      look();
    }
  }
}
