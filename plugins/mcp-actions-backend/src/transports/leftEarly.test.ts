import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { recordingLogger } from '@callboard/test-utils';
import { Server } from '@modelcontextprotocol/server';
import express from 'express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import { initialize } from '../testing/startProbe.js';
import { Connections } from './Connections.js';
import { Sessions } from './Sessions.js';
import type { SessionTransport } from './SessionTransport.js';
import { SseStreams } from './SseStreams.js';

const server = {
  config: {},
  connectable: () => new Server({ name: 'a', version: '1' }, { capabilities: { tools: {} } }),
} as unknown as PublishedServer;
const context = { credentials: { principal: { toString: () => 'ada' } } } as never;
const connectionsOf = <T>() =>
  new Connections<T>({
    idleTimeoutMs: 0,
    maxConnections: 3,
    endStreams: () => {},
    observer: { opened: () => {}, closed: () => {} },
  });

let sessions: Connections<SessionTransport>;
let streams: Connections<never>;
let served: Promise<void>;
let address: AddressInfo;
let stop: () => Promise<void>;

/** A server that gets to a GET only once its client has gone, as with an authentication that takes long. */
beforeEach(async () => {
  sessions = connectionsOf();
  streams = connectionsOf();
  const endpoint = new Sessions({ sessions, keepAliveMs: 15_000, retryMs: 1000, createEvents: () => undefined });
  const sse = new SseStreams({ streams: streams as never, logger: recordingLogger().logger, keepAliveMs: 15_000 });
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
    await sessions.closeAll();
    await streams.closeAll();
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
    await sessions.closeIdle();

    expect(open).toEqual([0]);
    expect(sessions.size).toBe(0);
  });

  it('leaves no HTTP+SSE stream behind', async () => {
    await getAndLeave('/sse');

    expect(streams.size).toBe(0);
  });
});
