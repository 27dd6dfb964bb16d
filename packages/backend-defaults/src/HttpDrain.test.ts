import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HttpDrain } from './HttpDrain.js';

let server: Server;
let drain: HttpDrain;
let agent: Agent;
/** Requests that the server has got and not answered. */
let held: Map<string, ServerResponse>;

beforeEach(async () => {
  held = new Map();
  agent = new Agent({ keepAlive: true });
  server = createServer((req, res) => {
    held.set(req.url as string, res);
    server.emit('held');
  });
  // Connections that are kept open would stay until the test is over.
  server.keepAliveTimeout = 600_000;
  drain = new HttpDrain({ server });
  drain.watch();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => {
  agent.destroy();
  server.closeAllConnections();
  server.close();
});

async function send(path: string, options: { method?: string; headers?: Record<string, string> } = {}) {
  const got = once(server, 'held');
  const { port } = server.address() as AddressInfo;
  const sent = request({ port, host: '127.0.0.1', path, agent, ...options }).end();
  const answered = once(sent, 'response').then(([res]: IncomingMessage[]) => res as IncomingMessage);
  // Whether it is answered at all is for each test to say.
  answered.catch(() => {});
  await got;
  return answered;
}

const stream = { headers: { accept: 'application/json, text/event-stream' } };

test('a call under way gets its answer, which ends the connection, and then there is nothing left', async () => {
  const answered = send('/call', { method: 'POST' });
  await once(server, 'held');

  drain.turnAway();
  const finished = drain.finishCalls({ timeoutMs: 60_000 });
  held.get('/call')?.end('done');
  const answer = await answered;

  expect([answer.headers.connection, await text(answer)]).toEqual(['close', 'done']);
  expect(await finished).toBe(0);
});

test('a call that is not over in time is told', async () => {
  const answered = send('/call', { method: 'POST' });
  await once(server, 'held');

  expect(await drain.finishCalls({ timeoutMs: 1 })).toBe(1);
  await drain.close();

  await expect(answered).rejects.toThrow('socket hang up');
});

test.each([
  ['a GET for events', stream],
  ['subscriptions/listen', { method: 'POST', headers: { ...stream.headers, 'mcp-method': 'subscriptions/listen' } }],
])('a stream does not hold it up: %s', async (_what, options) => {
  const opened = send('/stream', options);
  await once(server, 'held');
  held.get('/stream')?.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
  const response = await opened;

  const left = await drain.finishCalls({ timeoutMs: 60_000 });
  held.get('/stream')?.end('data: last\n\n');

  expect(left).toBe(0);
  expect(await text(response)).toBe('data: last\n\n');
  await drain.close();
});

test('no new connection is taken, and idle ones end', async () => {
  const first = send('/first');
  await once(server, 'held');
  held.get('/first')?.end();
  await text(await first);
  const [socket] = Object.values(agent.freeSockets).flat();

  await Promise.all([once(socket ?? server, 'close'), drain.finishCalls({ timeoutMs: 60_000 })]);

  await expect(send('/second')).rejects.toThrow();
}, 5_000);

test('a connection whose answer had begun before is ended after it', async () => {
  const answered = send('/begun', { method: 'POST' });
  await once(server, 'held');
  held.get('/begun')?.writeHead(200).write('begun, ');
  const answer = await answered;
  const { socket } = answer;

  drain.turnAway();
  const finished = drain.finishCalls({ timeoutMs: 60_000 });
  held.get('/begun')?.end('ended');

  expect([answer.headers.connection, await text(answer)]).toEqual(['keep-alive', 'begun, ended']);
  await once(socket, 'close');
  expect(await finished).toBe(0);
});

test('before it stops taking connections, it answers them and ends each', async () => {
  drain.turnAway();

  const answered = send('/late');
  await once(server, 'held');
  held.get('/late')?.end('served');

  const answer = await answered;
  expect([answer.headers.connection, await text(answer)]).toEqual(['close', 'served']);
});

test('a connection that was taken before may still bring its request', async () => {
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  await once(server, 'connection');

  const finished = drain.finishCalls({ timeoutMs: 60_000 });
  drain.turnAway();
  const got = once(server, 'held');
  socket.write('POST /late HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n');
  await got;
  held.get('/late')?.end('served');

  expect(await text(socket)).toContain('served');
  expect(await finished).toBe(0);
});

test('one that brings none is not waited for', async () => {
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  const ended = once(socket.resume(), 'close');
  await once(server, 'connection');

  expect(await drain.finishCalls({ timeoutMs: 60_000 })).toBe(0);
  await ended;
}, 10_000);
