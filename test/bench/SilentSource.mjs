import { once } from 'node:events';
import { createServer } from 'node:net';

/** Stands for another backend that hangs: connections are accepted, and nothing ever comes back. */
export class SilentSource {
  #server;
  #sockets = new Set();

  constructor({ server }) {
    this.#server = server;
    this.url = `http://127.0.0.1:${server.address().port}`;
    server.on('connection', socket => {
      this.#sockets.add(socket);
      // Those who give up may do so rudely.
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
    });
  }

  static async open() {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new SilentSource({ server });
  }

  async close() {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    await closed;
  }
}
