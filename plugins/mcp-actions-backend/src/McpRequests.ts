import type { ServerResponse } from 'node:http';
import type { AuditorService, LoggerService } from '@backstage/backend-plugin-api';
import { BodyError, printable, readJsonBody } from '@callboard/actions';
import type { Caller } from './guards/authenticate.js';
import type { RequestSource } from './guards/checkSource.js';
import { JSON_RPC_PARSE_ERROR, RefusedRequest } from './guards/RefusedRequest.js';
import type { HttpRequest } from './HttpRequest.js';
import type { PublishedServer } from './protocol/PublishedServer.js';
import type { Exchange } from './transports/Exchange.js';
import type { SseStreams } from './transports/SseStreams.js';
import type { StreamableEndpoint } from './transports/StreamableEndpoint.js';

const BODY_TIMEOUT_MS = 30_000;

/** What a request is for, as its path says. */
export interface RequestTarget {
  /** The key of the server; undefined for the default one. */
  readonly server: string | undefined;
  readonly endpoint: 'streamable' | 'sse' | 'messages';
  /** Below the plugin, such as `/v1`. */
  readonly path: string;
}

/**
 * Serves requests to all MCP servers, whatever they came through: the guards in their order, then the
 * transport.
 */
export class McpRequests {
  readonly #auditor: AuditorService;
  readonly #authenticate: (req: HttpRequest, server: string | undefined) => Promise<Caller>;
  readonly #checkScope: (exchange: Exchange) => Promise<void>;
  readonly #checkSource: (source: RequestSource) => void;
  readonly #logger: LoggerService;
  readonly #maxRequestBodyBytes: number;
  readonly #servers: ReadonlyMap<string | undefined, PublishedServer>;
  readonly #sse: SseStreams;
  readonly #streamable: StreamableEndpoint;
  readonly #ssePath: (req: HttpRequest, target: RequestTarget) => Promise<string>;

  constructor(options: {
    auditor: AuditorService;
    authenticate: (req: HttpRequest, server: string | undefined) => Promise<Caller>;
    checkScope: (exchange: Exchange) => Promise<void>;
    checkSource: (source: RequestSource) => void;
    logger: LoggerService;
    maxRequestBodyBytes: number;
    servers: readonly PublishedServer[];
    sse: SseStreams;
    streamable: StreamableEndpoint;
    /** The path of `v1/sse` as the client of this request sees it. */
    ssePath: (req: HttpRequest, target: RequestTarget) => Promise<string>;
  }) {
    this.#auditor = options.auditor;
    this.#authenticate = options.authenticate;
    this.#checkScope = options.checkScope;
    this.#checkSource = options.checkSource;
    this.#logger = options.logger;
    this.#maxRequestBodyBytes = options.maxRequestBodyBytes;
    this.#servers = new Map(options.servers.map(server => [server.config.key, server]));
    this.#sse = options.sse;
    this.#streamable = options.streamable;
    this.#ssePath = options.ssePath;
  }

  /** Answers a request, with a refusal if it has to be one; never throws. */
  async serve(req: HttpRequest, res: ServerResponse, target: RequestTarget): Promise<void> {
    // Of the message, for a refusal that comes once it is known.
    const message: { id?: string | number | undefined } = {};
    try {
      await this.#serve(req, res, target, message);
    } catch (error) {
      await this.#refuse(req, res, target, error, message.id);
    }
  }

  async #serve(
    req: HttpRequest,
    res: ServerResponse,
    target: RequestTarget,
    message: { id?: string | number | undefined },
  ): Promise<void> {
    const admitted = await this.#admit(req, res, target);
    switch (`${req.method} ${target.endpoint}`) {
      case 'POST streamable':
        return this.#streamable.post(await this.#readBody(admitted, message));
      case 'POST messages':
        return this.#sse.receive(await this.#readBody(admitted, message));
      case 'GET streamable':
      case 'HEAD streamable':
        return this.#streamable.get(admitted);
      case 'DELETE streamable':
        return this.#streamable.delete(admitted);
      case 'GET sse':
      case 'HEAD sse':
        return this.#sse.open(admitted, await this.#ssePath(req, target));
      default:
        throw methodNotAllowed({ streamable: 'GET, POST, DELETE', sse: 'GET', messages: 'POST' }[target.endpoint]);
    }
  }

  async #admit(req: HttpRequest, res: ServerResponse, target: RequestTarget): Promise<Omit<Exchange, 'body'>> {
    this.#checkSource({ target: req.originalUrl, hosts: hostHeaders(req), origin: req.headers.origin });
    const caller = await this.#authenticate(req, target.server);
    const server = this.#servers.get(target.server);
    if (!server) {
      throw new RefusedRequest(404, `There is no MCP server ${JSON.stringify(target.server)} here`);
    }
    const profile = req.headers['callboard-profile']?.toString();
    if (profile !== undefined && !server.services.policy.rules.profileNames.includes(profile)) {
      throw new RefusedRequest(
        400,
        `Callboard-Profile: expected one of ${server.services.policy.rules.profileNames.join(', ')}, got ${JSON.stringify(printable(profile))}`,
      );
    }
    return { req, res, server, context: { request: req, ...caller, ...(profile !== undefined && { profile }) } };
  }

  async #readBody(admitted: Omit<Exchange, 'body'>, message: { id?: string | number | undefined }): Promise<Exchange> {
    const body = await readBody(admitted.req, this.#maxRequestBodyBytes);
    message.id = requestId(body);
    const exchange = { body, ...admitted };
    await this.#checkScope(exchange);
    return exchange;
  }

  async #refuse(
    req: HttpRequest,
    res: ServerResponse,
    { path }: RequestTarget,
    error: unknown,
    messageId: string | number | undefined,
  ): Promise<void> {
    let refusal: RefusedRequest;
    if (error instanceof RefusedRequest) {
      refusal = error;
    } else {
      const id = crypto.randomUUID();
      this.#logger.error(`${req.method} ${path} failed, request id ${id}`, error as Error);
      refusal = new RefusedRequest(500, `Internal error; the server's log has the details under request id ${id}`, {
        code: -32_603,
      });
    }
    if (refusal.isSuspicious) {
      await this.#recordRefusal(req, path, refusal);
    }
    if (res.headersSent) {
      res.destroy();
      return;
    }
    const body = Buffer.from(JSON.stringify({ ...refusal.body, id: messageId ?? null }));
    res.writeHead(refusal.status, {
      ...refusal.headers,
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': body.length,
    });
    res.end(req.method === 'HEAD' ? undefined : body);
  }

  async #recordRefusal(req: HttpRequest, path: string, refusal: RefusedRequest): Promise<void> {
    try {
      const event = await this.#auditor.createEvent({
        eventId: 'connection',
        // Not the request itself: the auditor would look for the principal, and fail as the guard did.
        meta: {
          actionType: 'refused',
          status: refusal.status,
          method: req.method ?? null,
          path,
          ip: req.ip ?? null,
          userAgent: req.headers['user-agent']?.slice(0, 256) ?? null,
        },
      });
      await event.fail({ error: refusal });
    } catch (error) {
      this.#logger.error('An audit event of a refused request could not be written', error as Error);
    }
  }
}

async function readBody(req: HttpRequest, maxBytes: number): Promise<unknown> {
  try {
    return await readJsonBody(req, { maxBytes, timeoutMs: BODY_TIMEOUT_MS });
  } catch (error) {
    if (!(error instanceof BodyError)) {
      throw error;
    }
    const hint = error.status === 413 ? ' (mcpActions.maxRequestBodyBytes)' : '';
    throw new RefusedRequest(error.status, `${error.isMalformed ? 'Parse error: ' : ''}${error.message}${hint}`, {
      ...(error.isMalformed && { code: JSON_RPC_PARSE_ERROR }),
      ...(error.closesConnection && { headers: { Connection: 'close' } }),
    });
  }
}

// Node keeps only the first of several.
function hostHeaders({ rawHeaders }: HttpRequest): string[] {
  const hosts: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') {
      hosts.push(rawHeaders[index + 1] as string);
    }
  }
  return hosts;
}

function methodNotAllowed(allow: string): RefusedRequest {
  return new RefusedRequest(405, `Method not allowed, expected ${allow}`, { headers: { Allow: allow } });
}

/** The id of a JSON-RPC request; undefined for whatever is none. */
function requestId(body: unknown): string | number | undefined {
  const { id, method } = (body ?? {}) as { id?: unknown; method?: unknown };
  const isId = typeof id === 'string' || Number.isInteger(id);
  return isId && typeof method === 'string' ? (id as string | number) : undefined;
}
