import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What stands between a server and something that it needs. */
export interface Gate {
  readonly port: number;
  /** Ends what goes through it, and lets nothing through. */
  shut(): Promise<void>;
  /** Takes what comes and hands nothing on, as where the other side stands still. */
  hold(): void;
  open(): Promise<void>;
  stop(): Promise<void>;
}

/** Lets everything through to this address until it is told otherwise. */
export async function startGate(to: { host: string; port: number }): Promise<Gate> {
  const sockets = new Set<Socket>();
  let isHolding = false;
  const server = createServer(inner => {
    const outer = connect(to.port, to.host);
    for (const [one, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(one);
      one.once('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.on('error', () => {});
      one.pipe(other);
    }
    if (isHolding) {
      inner.pause();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const shut = async () => {
    const closed = server.listening ? new Promise(resolve => server.close(resolve)) : undefined;
    for (const socket of sockets) {
      socket.destroy();
    }
    await closed;
  };
  return {
    port,
    shut,
    hold() {
      isHolding = true;
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    async open() {
      isHolding = false;
      for (const socket of sockets) {
        socket.destroy();
      }
      if (!server.listening) {
        server.listen(port, '127.0.0.1');
        await once(server, 'listening');
      }
    },
    stop: shut,
  };
}
