import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { LoneReplica } from '@callboard/actions';
import { recordingLogger } from '@callboard/test-utils';
import { Server } from '@modelcontextprotocol/server';
import express from 'express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import { initialize } from '../testing/startProbe.js';
import type { ConnectionTransport } from './Connection.js';
import { ConnectionLink } from './ConnectionLink.js';
import { Connections } from './Connections.js';
import { RemoteCalls } from './RemoteCalls.js';
import { RequestIds } from './RequestIds.js';
import { MemorySessionRecords } from './records/MemorySessionRecords.js';
import { Sessions } from './Sessions.js';
import { SessionTransport } from './SessionTransport.js';
import { SseStreams } from './SseStreams.js';
import type { SseTransport } from './SseTransport.js';

const server = {
  config: {},
  connectable: () => new Server({ name: 'a', version: '1' }, { capabilities: { tools: {} } }),
} as unknown as PublishedServer;
const context = { credentials: { principal: { toString: () => 'ada' } } } as never;
const { logger } = recordingLogger();
const replicas = new LoneReplica();
const ids = new RequestIds({ replicaId: undefined });
const connectionsOf = <T extends ConnectionTransport>() =>
  new Connections<T>({
    records: new MemorySessionRecords({ maxSessions: 3, idleTimeoutMs: 0 }),
    link: new ConnectionLink({ kind: 'streamable', replicas, logger }),
    ids,
    servers: [server],
    connect: async () => expect.fail('There is nobody to take a connection over from'),
    observer: { opened: () => {}, closed: () => {} },
    logger,
  });

let sessions: Connections<SessionTransport>;
let streams: Connections<SseTransport>;
let served: Promise<void>;
let address: AddressInfo;
let stop: () => Promise<void>;

/** A server that gets to a GET only once its client has gone, as with an authentication that takes long. */
beforeEach(async () => {
  sessions = connectionsOf();
  streams = connectionsOf();
  const remoteCalls = new RemoteCalls({ sessions, replicas, logger });
  const endpoint = new Sessions({
    sessions,
    createTransport: sessionId =>
      new SessionTransport({
        sessionId,
        events: undefined,
        ids,
        newStreamId: () => remoteCalls.newStreamId(),
        onIdle: () => {},
        retryMs: 1000,
      }),
    remoteCalls,
    keepAliveMs: 15_000,
    retryMs: 1000,
    onUnheard: () => {},
  });
  const sse = new SseStreams({ streams, replicas, ids, logger, keepAliveMs: 15_000 });
  const app = express();
  app.post('/', express.json(), (req, res) => endpoint.open({ req, res, server, context, body: req.body }));
  const late = (serve: (exchange: never) => Promise<void>) => (req: express.Request, res: express.Response) => {
    served = once(res, 'close').then(() => serve({ req, res, server, context, body: undefined } as never));
    arrived();
  };
  app.get(
    '/',
    late(exchange => {
      const [session] = sessions.all;
      return endpoint.serve(session as never, exchange);
    }),
  );
  app.get(
    '/sse',
    late(exchange => sse.open(exchange, '/sse')),
  );
  const http = app.listen(0, '127.0.0.1');
  await once(http, 'listening');
  address = http.address() as AddressInfo;
  stop = async () => {
    http.close();
    http.closeAllConnections();
    await sessions.closeAll({ isLeft: () => false });
    await streams.closeAll({ isLeft: () => false });
  };
});
afterEach(() => stop());

let arrived: () => void;

async function getAndLeave(path: string, headers = ''): Promise<void> {
  const arrival = new Promise<void>(resolve => {
    arrived = resolve;
  });
  const socket = connect(address.port, address.address);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n${headers}\r\n`);
  await arrival;
  socket.destroy();
  await served;
}

describe('a client that has left before it is served', () => {
  it('holds no stream of its session open', async () => {
    const response = await fetch(`http://127.0.0.1:${address.port}/`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' },
      body: JSON.stringify(initialize()),
    });
    await response.text();

    await getAndLeave('/', `Mcp-Session-Id: ${response.headers.get('mcp-session-id')}\r\n`);
    const open = [...sessions.all].map(({ openStreams }) => openStreams);
    await sessions.sweep();

    expect(open).toEqual([0]);
    expect(sessions.size).toBe(0);
  });

  it('leaves no HTTP+SSE stream behind', async () => {
    await getAndLeave('/sse');

    expect(streams.size).toBe(0);
  });
});
