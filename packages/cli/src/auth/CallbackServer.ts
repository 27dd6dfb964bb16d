import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const PATH = '/callback';

/** Waits on the loopback address for the browser to come back from signing in (RFC 8252 §7.3). */
export class CallbackServer {
  readonly port: number;
  readonly #server: Server;
  #answer: ((params: URLSearchParams) => void) | undefined;
  #expectedState: string | undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('request', (req, res) => {
      const url = new URL(req.url ?? '/', this.redirectUrl);
      const isExpected =
        req.method === 'GET' && url.pathname === PATH && url.searchParams.get('state') === this.#expectedState;
      const succeeded = url.searchParams.has('code');
      res.writeHead(isExpected ? 200 : 404, {
        'Content-Type': 'text/html; charset=utf-8',
        'Cache-Control': 'no-store',
        'Content-Security-Policy': "default-src 'none'",
        'Referrer-Policy': 'no-referrer',
        Connection: 'close',
      });
      res.end(renderPage(!isExpected ? 'Nothing here' : succeeded ? 'Signed in' : 'Not signed in'));
      if (isExpected) {
        this.#answer?.(url.searchParams);
      }
    });
  }

  /** @param preferredPort - another one is taken if it is not free, unless it is `fixed`. */
  static async open({ preferredPort = 0, fixed = false } = {}): Promise<CallbackServer> {
    const server = createServer();
    try {
      await listen(server, preferredPort);
    } catch (error) {
      if (fixed || preferredPort === 0) {
        throw error;
      }
      await listen(server, 0);
    }
    return new CallbackServer(server);
  }

  get redirectUrl(): string {
    return `http://127.0.0.1:${this.port}${PATH}`;
  }

  /** What the authorization server has sent along with the browser; requests with another state are not it. */
  async waitFor(state: string, signal: AbortSignal): Promise<URLSearchParams> {
    this.#expectedState = state;
    return new Promise((resolve, reject) => {
      this.#answer = resolve;
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }

  close(): void {
    this.#server.close();
    // The page that was just answered may still be on its way.
    this.#server.closeIdleConnections();
    this.#server.unref();
  }
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}

function renderPage(title: string): string {
  const text = title === 'Nothing here' ? '' : '<p>You can close this window and go back to the application.</p>';
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>${text}</html>`;
}
