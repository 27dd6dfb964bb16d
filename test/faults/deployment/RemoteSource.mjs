import { once } from 'node:events';
import { createServer } from 'node:http';

const silenceMs = 3_600_000;

/** Another backend with one action, `elsewhere:echo`, which may become slow or dead. */
export class RemoteSource {
  #server;
  /** How long it takes over each answer. */
  delayMs = 0;

  constructor({ server }) {
    this.#server = server;
    this.url = `http://127.0.0.1:${server.address().port}`;
    this.#listen();
  }

  static async start() {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new RemoteSource({ server });
  }

  /** Takes requests and never answers them. */
  hang() {
    this.delayMs = silenceMs;
  }

  /** Refuses connections. */
  async die() {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async stop() {
    if (this.#server.listening) {
      await this.die();
    }
  }

  #listen() {
    this.#server.on('request', async (req, res) => {
      const chunks = [];
      for await (const chunk of req) {
        chunks.push(chunk);
      }
      const timer = setTimeout(() => answer(req, res, Buffer.concat(chunks)), this.delayMs);
      timer.unref();
      res.once('close', () => clearTimeout(timer));
    });
  }
}

function answer(req, res, body) {
  const content =
    req.method === 'GET' ? { actions: [listedEcho] } : { output: { id: JSON.parse(body.toString()).id ?? '', pid: 0 } };
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(content));
}

const listedEcho = {
  id: 'elsewhere:echo',
  pluginId: 'elsewhere',
  name: 'echo',
  title: 'Echo elsewhere',
  description: 'Answers with the id that it was given.',
  schema: {
    input: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
    output: { type: 'object' },
  },
  attributes: { readOnly: true, destructive: false, idempotent: true },
};
