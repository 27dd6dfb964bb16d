import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Stands between a program and a server, and can be made to fail as networks do. */
export interface TcpProxy {
  readonly port: number;
  /** Ends all connections, and accepts no more until `mend`. */
  cut(): void;
  /** Lets nothing through, in either direction, while all connections stay, until `mend`. */
  stall(): void;
  mend(): void;
  close(): Promise<void>;
}

/** Passes on what comes to a free port of the loopback address, to another one. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let state: 'whole' | 'cut' | 'stalled' = 'whole';
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // What was cut says so to both ends.
    socket.on('error', () => {});
  };
  const server = createServer(inner => {
    keep(inner);
    if (state === 'cut') {
      inner.destroy();
      return;
    }
    const outer = connect(targetPort, '127.0.0.1');
    keep(outer);
    inner.on('close', () => outer.destroy());
    outer.on('close', () => inner.destroy());
    inner.on('data', chunk => outer.write(chunk));
    outer.on('data', chunk => inner.write(chunk));
    if (state === 'stalled') {
      inner.pause();
      outer.pause();
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    state = 'cut';
    for (const socket of sockets) {
      socket.destroy();
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    stall: () => {
      state = 'stalled';
      for (const socket of sockets) {
        socket.pause();
      }
    },
    mend: () => {
      state = 'whole';
      for (const socket of sockets) {
        socket.resume();
      }
    },
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
