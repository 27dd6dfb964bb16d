import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';

/** A proxy that gives each request to the next of its targets, whoever sent the one before. */
export interface Balancer {
  readonly url: string;
  /** Ports of the loopback address. */
  targets: number[];
  stop(): Promise<void>;
}

export async function startBalancer(): Promise<Balancer> {
  let turn = 0;
  const server = createServer((incoming, outgoing) => {
    const port = balancer.targets[turn++ % balancer.targets.length];
    forward(incoming, outgoing, port).catch(() => outgoing.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const balancer: Balancer = {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    targets: [],
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return balancer;
}

async function forward(incoming: IncomingMessage, outgoing: ServerResponse, port: number | undefined): Promise<void> {
  const { method, url: path } = incoming;
  // A connection that was kept could lead to a replica that has stopped.
  const headers = { ...incoming.headers, connection: 'close' };
  const onward = request({ host: '127.0.0.1', port, method, path, headers, agent: false });
  const answered = once(onward, 'response');
  await Promise.all([
    pipeline(incoming, onward),
    answered.then(([answer]: IncomingMessage[]) => {
      outgoing.writeHead(answer?.statusCode ?? 502, answer?.rawHeaders);
      return pipeline(answer as IncomingMessage, outgoing);
    }),
  ]);
}
