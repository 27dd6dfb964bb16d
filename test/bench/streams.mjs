import { once } from 'node:events';
import { Agent, request } from 'node:http';

/** What is kept open, and how one of it is opened. */
export const streamKinds = [
  { id: 'sse', title: 'HTTP+SSE stream', open: openSse },
  { id: 'session', title: 'session with its GET stream', open: openSession },
];

const agent = new Agent({ keepAlive: true, maxSockets: 16 });
const atOnce = 16;

/**
 * @param {object} options
 * @param {BenchServer} options.benchServer
 * @param {number} options.count
 * @returns Functions that close one each.
 */
export async function openMany({ benchServer, kind, count }) {
  const opened = [];
  for (let index = 0; index < count; index += atOnce) {
    const some = Array.from({ length: Math.min(atOnce, count - index) }, () => kind.open(benchServer));
    opened.push(...(await Promise.all(some)));
  }
  return opened;
}

async function openSse(benchServer) {
  const stream = await openStream({ benchServer, path: '/sse', headers: {} });
  await once(stream, 'data');
  return () => stream.destroy();
}

async function openSession(benchServer) {
  const session = await beginSession(benchServer);
  const stream = await openStream({ benchServer, path: '', headers: session.headers });
  stream.resume();
  return () => stream.destroy();
}

/** A session of the 2025 era, as clients open it. */
export async function beginSession(benchServer) {
  const { headers } = await send(benchServer, {
    body: {
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'bench', version: '1.0.0' } },
    },
  });
  const session = { 'mcp-session-id': headers['mcp-session-id'], 'mcp-protocol-version': '2025-06-18' };
  await send(benchServer, { headers: session, body: { jsonrpc: '2.0', method: 'notifications/initialized' } });
  return { headers: session };
}

/** The GET stream of a session, or one of HTTP+SSE. */
export async function openStream({ benchServer, path, headers }) {
  const outgoing = request(`${benchServer.url}${path}`, {
    agent: false,
    headers: { authorization: `Bearer ${benchServer.token}`, accept: 'text/event-stream', ...headers },
  });
  outgoing.end();
  const [response] = await once(outgoing, 'response');
  if (response.statusCode !== 200) {
    throw new Error(`Expected a stream, got status ${response.statusCode}`);
  }
  // Ends when either side wants it to.
  response.on('error', () => {});
  outgoing.on('error', () => {});
  return response;
}

/** @throws Error if the answer is not of status 2xx. */
export async function send(benchServer, { method = 'POST', headers = {}, body }) {
  const outgoing = request(benchServer.url, {
    method,
    agent,
    headers: {
      authorization: `Bearer ${benchServer.token}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      ...headers,
    },
  });
  outgoing.end(body && (typeof body === 'string' ? body : JSON.stringify(body)));
  const [response] = await once(outgoing, 'response');
  const chunks = await response.toArray();
  const text = Buffer.concat(chunks).toString();
  if (response.statusCode < 200 || response.statusCode > 299) {
    throw new Error(`${method} answered ${response.statusCode}: ${text.slice(0, 300)}`);
  }
  return { headers: response.headers, text };
}
