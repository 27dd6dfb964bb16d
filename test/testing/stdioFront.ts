import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { classifyInboundRequest } from '@modelcontextprotocol/server';
import { AnswerStream } from './AnswerStream.js';
import { checkEnvelope, httpStatusOf, isLocal } from './modernDuties.js';
import { type Id, type Message, type StdioCommand, StdioRelay } from './StdioRelay.js';

const MAX_BODY_BYTES = 16 * 1024 * 1024;
/** What a session keeps for a client that does not listen yet. */
const MAX_KEPT = 100;
const LEGACY_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];

/** A stdio server that can be reached over HTTP. */
export interface StdioFront {
  /** Its MCP endpoint. */
  readonly url: string;
  /** Ends the processes, too. */
  close(): Promise<void>;
}

/**
 * Puts Streamable HTTP in front of a server that only speaks stdio, so that suites which only speak HTTP can test it.
 * Each session of the 2025 era has a process of its own; requests of the 2026 era share one.
 */
export async function startStdioFront(command: StdioCommand): Promise<StdioFront> {
  const front = new Front(command);
  const server = createServer((req, res) => {
    front.answer(req, res).catch(error => refuse(res, 500, { code: -32603, message: String(error) }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async close() {
      server.closeAllConnections();
      server.close();
      await Promise.all([once(server, 'close'), front.close()]);
    },
  };
}

class Front {
  readonly #command: StdioCommand;
  readonly #sessions = new Map<string, Session>();
  #modern: StdioRelay | undefined;

  constructor(command: StdioCommand) {
    this.#command = command;
  }

  async answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (!isLocal(req)) {
      return refuse(res, 403, { code: -32000, message: 'Forbidden: the host or the origin is not this machine' });
    }
    const { method = '', headers } = req;
    const sessionId = headers['mcp-session-id'] as string | undefined;
    const session = this.#sessions.get(sessionId ?? '');
    const body = method === 'POST' ? await readMessage(req) : undefined;
    if (method === 'POST' && !body) {
      return refuse(res, 400, { code: -32700, message: 'Parse error: expected a JSON-RPC message' });
    }
    const route = classifyInboundRequest({
      httpMethod: method,
      protocolVersionHeader: headers['mcp-protocol-version'] as string | undefined,
      mcpMethodHeader: headers['mcp-method'] as string | undefined,
      mcpNameHeader: headers['mcp-name'] as string | undefined,
      body,
    });
    if (route.kind === 'reject') {
      return refuse(res, route.httpStatus, route, body?.id);
    }
    if (route.kind === 'modern') {
      return this.#answerModern(body as Message, req, res);
    }
    if (body?.method === 'initialize' && sessionId === undefined) {
      return this.#open(body, res);
    }
    if (!session) {
      return sessionId === undefined
        ? refuse(res, body ? 400 : 405, { code: -32000, message: 'Bad request: no session is named' }, body?.id)
        : refuse(res, 404, { code: -32001, message: 'Session not found' }, body?.id);
    }
    const version = headers['mcp-protocol-version'];
    if (version !== undefined && !LEGACY_VERSIONS.includes(String(version))) {
      return refuse(res, 400, { code: -32000, message: `Unsupported protocol version ${version}` }, body?.id);
    }
    switch (method) {
      case 'POST':
        return session.post(body as Message, new AnswerStream({ res }));
      case 'GET':
        return session.listen(new AnswerStream({ res }));
      case 'DELETE':
        await session.stop();
        res.writeHead(200).end();
        return;
      default:
        return refuse(res, 405, { code: -32000, message: 'Method not allowed' });
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#modern, ...this.#sessions.values()].map(each => each?.stop()));
  }

  #open(initialize: Message, res: ServerResponse): void {
    const id = randomUUID();
    const session = new Session(this.#command);
    this.#sessions.set(id, session);
    void session.ended.then(() => this.#sessions.delete(id));
    session.post(initialize, new AnswerStream({ res, headers: { 'Mcp-Session-Id': id } }));
  }

  /** MCP 2026-07-28, transports: each request stands for itself, and to hang up is to cancel. */
  #answerModern(message: Message, req: IncomingMessage, res: ServerResponse): void {
    const problem = checkEnvelope(message, req.headers);
    if (problem) {
      refuse(res, httpStatusOf(problem.code), problem, message.id);
      return;
    }
    if (!isRequest(message)) {
      // The revision has no notifications of clients over HTTP; none is for the server behind.
      res.writeHead(202).end();
      return;
    }
    const stream = new AnswerStream({ res });
    const { cancel } = this.#modernRelay().request(message, stream);
    res.once('close', cancel);
  }

  #modernRelay(): StdioRelay {
    if (!this.#modern) {
      // What belongs to no request has nowhere to go in this era.
      const relay = new StdioRelay({ ...this.#command, deliverUnrelated: () => {} });
      this.#modern = relay;
      void relay.exited.then(() => {
        this.#modern = this.#modern === relay ? undefined : this.#modern;
      });
    }
    return this.#modern;
  }
}

/** MCP 2025-11-25, transports: what the server says of itself goes to the stream that the client holds open. */
class Session {
  readonly #relay: StdioRelay;
  readonly #kept: Message[] = [];
  #listening: AnswerStream | undefined;

  constructor(command: StdioCommand) {
    this.#relay = new StdioRelay({ ...command, deliverUnrelated: message => this.#say(message) });
  }

  get ended(): Promise<void> {
    return this.#relay.exited;
  }

  post(message: Message, stream: AnswerStream): void {
    if (isRequest(message)) {
      stream.open();
      // A connection that is lost cancels nothing: what comes then is for the stream of the session.
      this.#relay.request(message, {
        write: each => (stream.isOpen ? stream.write(each) : this.#say(each)),
        end: () => stream.end(),
      });
    } else {
      this.#relay.send(message);
      stream.accept();
    }
  }

  listen(stream: AnswerStream): void {
    this.#listening?.end();
    this.#listening = stream;
    stream.open();
    for (const message of this.#kept.splice(0)) {
      stream.write(message);
    }
  }

  async stop(): Promise<void> {
    this.#listening?.end();
    await this.#relay.stop();
  }

  #say(message: Message): void {
    if (this.#listening?.isOpen) {
      this.#listening.write(message);
    } else if (this.#kept.length < MAX_KEPT) {
      this.#kept.push(message);
    }
  }
}

function isRequest(message: Message): message is Message & { id: Id } {
  return message.method !== undefined && message.id !== undefined && message.id !== null;
}

async function readMessage(req: IncomingMessage): Promise<Message | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      return undefined;
    }
    chunks.push(chunk);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Message) : undefined;
  } catch {
    return undefined;
  }
}

function refuse(
  res: ServerResponse,
  status: number,
  { code, message, data }: { code: number; message: string; data?: unknown },
  id: Message['id'] = null,
): void {
  const error = { code, message, ...(data !== undefined && { data }) };
  res
    .writeHead(status, { 'Content-Type': 'application/json' })
    .end(JSON.stringify({ jsonrpc: '2.0', id: id ?? null, error }));
}
