import { once } from 'node:events';
import { Agent, createServer, get, request } from 'node:http';

const probeMs = 100;
/** What belongs to one connection and not to what is passed on. */
const hopByHop = new Set(['connection', 'keep-alive', 'transfer-encoding']);

/**
 * A plain proxy: each request goes to the next replica, whoever sent the one before. A replica that refuses a connection
 * is taken out, and the request goes to the next one; it is taken in again when it is ready. A request of which a replica
 * may have got a byte is never sent again: if the connection breaks, the client gets 502.
 */
export class RoundRobinProxy {
  #server;
  #targets;
  #turn = 0;
  #probing;
  /** The replica that the last GET for an event stream went to, and when. */
  lastStream = { port: 0, at: 0 };

  constructor({ server, ports }) {
    this.#server = server;
    this.#targets = ports.map(port => ({ port, isOut: false, agent: new Agent({ keepAlive: true }) }));
    server.on('request', (incoming, outgoing) => this.#forward(incoming, outgoing));
    // Longer than any client keeps an unused connection.
    server.keepAliveTimeout = 120_000;
    server.requestTimeout = 0;
    this.#probing = setInterval(() => this.#probe(), probeMs);
  }

  /** @param {{ ports: number[], port: number }} options */
  static async start({ ports, port }) {
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    return new RoundRobinProxy({ server, ports });
  }

  async stop() {
    clearInterval(this.#probing);
    for (const { agent } of this.#targets) {
      agent.destroy();
    }
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #forward(incoming, outgoing) {
    const chunks = [];
    incoming.on('data', chunk => chunks.push(chunk));
    incoming.once('error', () => outgoing.destroy());
    incoming.once('end', () => this.#send(incoming, outgoing, Buffer.concat(chunks)));
  }

  #send(incoming, outgoing, body) {
    const target = this.#next();
    if (!target) {
      outgoing.writeHead(503, { 'retry-after': '1' }).end('No replica takes connections');
      return;
    }
    const { method, url: path, headers } = incoming;
    if (method === 'GET' && headers.accept?.includes('text/event-stream')) {
      this.lastStream = { port: target.port, at: performance.now() };
    }
    const onward = request({ host: '127.0.0.1', port: target.port, method, path, headers, agent: target.agent });
    onward.once('response', answer => {
      const kept = Object.entries(answer.headers).filter(([name]) => !hopByHop.has(name));
      outgoing.writeHead(answer.statusCode, Object.fromEntries(kept));
      // An event stream has begun when its head is there.
      outgoing.flushHeaders();
      answer.pipe(outgoing);
      answer.once('close', () => {
        if (!answer.complete) {
          outgoing.destroy();
        }
      });
    });
    onward.once('error', error => {
      if (error.code === 'ECONNREFUSED') {
        target.isOut = true;
        this.#send(incoming, outgoing, body);
      } else if (outgoing.headersSent) {
        outgoing.destroy();
      } else {
        outgoing.writeHead(502).end(`The connection to the replica broke: ${error.code ?? error.message}`);
      }
    });
    outgoing.once('close', () => {
      if (!outgoing.writableFinished) {
        onward.destroy();
      }
    });
    onward.end(body);
  }

  #next() {
    for (let tried = 0; tried < this.#targets.length; tried += 1) {
      const target = this.#targets[this.#turn++ % this.#targets.length];
      if (!target.isOut) {
        return target;
      }
    }
    return undefined;
  }

  #probe() {
    for (const target of this.#targets.filter(({ isOut, isAsked }) => isOut && !isAsked)) {
      target.isAsked = true;
      const asking = get({
        host: '127.0.0.1',
        port: target.port,
        path: '/.backstage/health/v1/readiness',
        agent: false,
        timeout: 5_000,
      });
      asking.once('response', answer => {
        answer.resume();
        target.isOut = answer.statusCode !== 200;
      });
      asking.once('timeout', () => asking.destroy());
      asking.once('error', () => {});
      asking.once('close', () => {
        target.isAsked = false;
      });
    }
  }
}
