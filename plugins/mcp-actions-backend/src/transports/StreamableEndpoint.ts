import { classifyInboundRequest } from '@modelcontextprotocol/server';
import { checkParamHeaders } from '../guards/checkParamHeaders.js';
import { JSON_RPC_INVALID_REQUEST, RefusedRequest } from '../guards/RefusedRequest.js';
import { PlainRequests } from '../plain/PlainRequests.js';
import type { Exchange } from './Exchange.js';
import type { ModernEndpoint } from './ModernEndpoint.js';
import { parseMessage } from './messages.js';
import type { Sessions } from './Sessions.js';
import { StatelessTransport } from './StatelessTransport.js';

const LEGACY_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05', '2024-10-07'];
/** What a request that names no version speaks (MCP 2025-11-25, transports, protocol version header). */
const ASSUMED_VERSION = '2025-03-26';
/** JSON-RPC batches were part of 2025-03-26 only. */
const LAST_VERSION_WITH_BATCHES = '2025-03-26';
const MAX_BATCH = 50;

/** Streamable HTTP, both protocol eras on one URL: decides who serves a request. */
export class StreamableEndpoint {
  readonly #modern: ModernEndpoint;
  readonly #sessions: Sessions;
  readonly #keepAliveMs: number;
  readonly #plain: PlainRequests;

  constructor(options: { modern: ModernEndpoint; sessions: Sessions; keepAliveMs: number }) {
    this.#modern = options.modern;
    this.#sessions = options.sessions;
    this.#keepAliveMs = options.keepAliveMs;
    this.#plain = new PlainRequests(options);
  }

  async post(exchange: Exchange): Promise<void> {
    const plain = this.#plain.find(exchange);
    if (plain) {
      return this.#plain.serve(exchange, plain);
    }
    const { req, body } = exchange;
    const sessionId = header(req.headers['mcp-session-id']);
    const session = sessionId === undefined ? undefined : await this.#sessions.get(sessionId, exchange);
    const route = classifyInboundRequest({
      httpMethod: 'POST',
      protocolVersionHeader: header(req.headers['mcp-protocol-version']),
      mcpMethodHeader: header(req.headers['mcp-method']),
      mcpNameHeader: header(req.headers['mcp-name']),
      body,
    });
    const negotiated = session?.protocol.getNegotiatedProtocolVersion();
    if (Array.isArray(body)) {
      this.#checkBatch(body, negotiated ?? header(req.headers['mcp-protocol-version']) ?? ASSUMED_VERSION);
    }
    if (route.kind !== 'legacy') {
      if (route.kind === 'modern') {
        this.#plain.learn(route.message);
        await checkParamHeaders(exchange);
      }
      // Refusals, too: the SDK words and codes them as the revision demands.
      return this.#modern.serve(exchange);
    }
    if (route.reason === 'initialize' && sessionId === undefined) {
      return this.#sessions.open(exchange);
    }
    // In a session clients SHOULD name its revision; only one that there is not MUST be refused (MCP 2025-11-25,
    // transports, protocol version header). The session goes on in its own.
    this.#checkVersion(header(req.headers['mcp-protocol-version']));
    if (session) {
      return this.#sessions.serve(session, exchange);
    }
    return StatelessTransport.serve(exchange, [body].flat().map(parseMessage), { keepAliveMs: this.#keepAliveMs });
  }

  /** The stream of a session on which the server speaks first, or one that the client has lost. */
  async get(exchange: Omit<Exchange, 'body'>): Promise<void> {
    return this.#serveSession(exchange, 'This is an MCP server: POST JSON-RPC messages here, or open a session first');
  }

  /** Ends a session. */
  async delete(exchange: Omit<Exchange, 'body'>): Promise<void> {
    return this.#serveSession(exchange, 'DELETE ends a session; name it in Mcp-Session-Id');
  }

  async #serveSession(exchange: Omit<Exchange, 'body'>, withoutSession: string): Promise<void> {
    const sessionId = header(exchange.req.headers['mcp-session-id']);
    if (sessionId === undefined) {
      throw new RefusedRequest(405, `Method not allowed. ${withoutSession}`, { headers: { Allow: 'POST' } });
    }
    const session = await this.#sessions.get(sessionId, exchange);
    const lastEventId = header(exchange.req.headers['last-event-id']);
    if (exchange.req.method === 'GET' && lastEventId !== undefined) {
      return this.#sessions.resume(session, { ...exchange, body: undefined }, lastEventId);
    }
    return this.#sessions.serve(session, { ...exchange, body: undefined });
  }

  #checkBatch(batch: unknown[], version: string): void {
    const problem =
      version > LAST_VERSION_WITH_BATCHES
        ? `revision ${version} has no batches`
        : batch.length === 0 || batch.length > MAX_BATCH
          ? `a batch has 1 to ${MAX_BATCH} messages, got ${batch.length}`
          : hasRepeatedIds(batch)
            ? 'two requests of a batch have the same id'
            : undefined;
    if (problem) {
      throw new RefusedRequest(400, `Invalid request: ${problem}`, { code: JSON_RPC_INVALID_REQUEST });
    }
  }

  #checkVersion(version: string | undefined): void {
    if (version !== undefined && !LEGACY_VERSIONS.includes(version)) {
      throw new RefusedRequest(
        400,
        `Unsupported protocol version ${JSON.stringify(version)}; supported: 2026-07-28, ${LEGACY_VERSIONS.join(', ')}`,
        { code: JSON_RPC_INVALID_REQUEST },
      );
    }
  }
}

/** Two answers of one id could not be told apart. */
function hasRepeatedIds(batch: unknown[]): boolean {
  const ids = batch.flatMap(message => {
    const { id, method } = (message ?? {}) as { id?: unknown; method?: unknown };
    return id !== undefined && method !== undefined ? [id] : [];
  });
  return new Set(ids).size < ids.length;
}

function header(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}
