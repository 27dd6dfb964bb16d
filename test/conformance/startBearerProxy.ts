import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';

/**
 * Passes requests on with a bearer token, because the suite cannot send one. All else goes through as it comes, in
 * both directions: Host, Origin, bodies, streams.
 */
export async function startBearerProxy(options: {
  target: string;
  token: string;
}): Promise<{ url: string; stop(): Promise<void> }> {
  const { origin, pathname } = new URL(options.target);
  const proxy = createServer((req, res) => {
    const onward = request(`${origin}${req.url}`, {
      method: req.method,
      headers: { ...req.headers, authorization: `Bearer ${options.token}` },
    });
    res.on('close', () => onward.destroy());
    onward.on('response', answer => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      res.flushHeaders();
      pipeline(answer, res, () => {
        // One of the two has gone away; the other is told by that.
      });
    });
    onward.on('error', () => (res.headersSent ? res.destroy() : res.writeHead(502).end()));
    pipeline(req, onward, () => {
      // As above.
    });
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  return {
    url: `http://localhost:${port}${pathname}`,
    async stop() {
      const closed = once(proxy, 'close');
      proxy.close();
      proxy.closeAllConnections();
      await closed;
    },
  };
}
