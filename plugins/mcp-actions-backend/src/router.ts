import type { AuditorService, LoggerService } from '@backstage/backend-plugin-api';
import { BodyError, printable, readJsonBody } from '@callboard/actions';
import type { Request, Response, Router } from 'express';
import PromiseRouter from 'express-promise-router';
import type { Caller } from './guards/authenticate.js';
import type { RequestSource } from './guards/checkSource.js';
import { JSON_RPC_PARSE_ERROR, RefusedRequest } from './guards/RefusedRequest.js';
import type { PublishedServer } from './protocol/PublishedServer.js';
import type { Exchange } from './transports/Exchange.js';
import type { SseStreams } from './transports/SseStreams.js';
import type { StreamableEndpoint } from './transports/StreamableEndpoint.js';

const BODY_TIMEOUT_MS = 30_000;

/** The routes of all servers: the guards in their order, then the transport. */
export function createMcpRouter(options: {
  auditor: AuditorService;
  authenticate: (req: Request) => Promise<Caller>;
  checkScope: (exchange: Exchange) => Promise<void>;
  checkSource: (source: RequestSource) => void;
  logger: LoggerService;
  maxRequestBodyBytes: number;
  servers: readonly PublishedServer[];
  sse: SseStreams;
  streamable: StreamableEndpoint;
  /** The path of `v1/sse` as the client of this request sees it. */
  ssePath: (req: Request) => Promise<string>;
}): Router {
  const { auditor, authenticate, checkScope, checkSource, logger, maxRequestBodyBytes, sse, streamable, ssePath } =
    options;
  const serversByKey = new Map(options.servers.map(server => [server.config.key, server]));

  const admit = async (req: Request, res: Response): Promise<Omit<Exchange, 'body'>> => {
    checkSource({ target: req.originalUrl, hosts: hostHeaders(req), origin: req.headers.origin });
    const caller = await authenticate(req);
    const server = serversByKey.get(req.params.server);
    if (!server) {
      throw new RefusedRequest(404, `There is no MCP server ${JSON.stringify(req.params.server)} here`);
    }
    const profile = req.headers['callboard-profile']?.toString();
    if (profile !== undefined && !server.services.policy.rules.profileNames.includes(profile)) {
      throw new RefusedRequest(
        400,
        `Callboard-Profile: expected one of ${server.services.policy.rules.profileNames.join(', ')}, got ${JSON.stringify(printable(profile))}`,
      );
    }
    return { req, res, server, context: { ...caller, ...(profile !== undefined && { profile }), request: req } };
  };
  const admitWithBody = async (req: Request, res: Response): Promise<Exchange> => {
    const admitted = await admit(req, res);
    const body = await readBody(req, maxRequestBodyBytes);
    // For a refusal, which has to have it once it is known.
    res.locals.messageId = requestId(body);
    const exchange = { ...admitted, body };
    await checkScope(exchange);
    return exchange;
  };

  const answering = (handle: (req: Request, res: Response) => Promise<void>) => async (req: Request, res: Response) => {
    try {
      await handle(req, res);
    } catch (error) {
      await answerFailure({ error, req, res, auditor, logger });
    }
  };

  const router = PromiseRouter();
  for (const path of ['/v1', '/v1/:server']) {
    router.get(
      `${path}/sse`,
      answering(async (req, res) => sse.open(await admit(req, res), await ssePath(req))),
    );
    router.post(
      `${path}/sse/messages`,
      answering(async (req, res) => sse.receive(await admitWithBody(req, res))),
    );
    router.all(
      [`${path}/sse`, `${path}/sse/messages`],
      answering(async (req, res) => {
        await admit(req, res);
        throw methodNotAllowed(req.path.endsWith('/messages') ? 'POST' : 'GET');
      }),
    );
  }
  for (const path of ['/v1', '/v1/:server']) {
    router.post(
      path,
      answering(async (req, res) => streamable.post(await admitWithBody(req, res))),
    );
    router.get(
      path,
      answering(async (req, res) => streamable.get(await admit(req, res))),
    );
    router.delete(
      path,
      answering(async (req, res) => streamable.delete(await admit(req, res))),
    );
    router.all(
      path,
      answering(async (req, res) => {
        await admit(req, res);
        throw methodNotAllowed('GET, POST, DELETE');
      }),
    );
  }
  return router;
}

async function readBody(req: Request, maxBytes: number): Promise<unknown> {
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
function hostHeaders({ rawHeaders }: Request): string[] {
  return rawHeaders.filter((_value, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'host');
}

function methodNotAllowed(allow: string): RefusedRequest {
  return new RefusedRequest(405, `Method not allowed, expected ${allow}`, { headers: { Allow: allow } });
}

async function answerFailure(options: {
  error: unknown;
  req: Request;
  res: Response;
  auditor: AuditorService;
  logger: LoggerService;
}): Promise<void> {
  const { req, res, auditor, logger } = options;
  let refusal: RefusedRequest;
  if (options.error instanceof RefusedRequest) {
    refusal = options.error;
  } else {
    const requestId = crypto.randomUUID();
    logger.error(`${req.method} ${req.path} failed, request id ${requestId}`, options.error as Error);
    refusal = new RefusedRequest(
      500,
      `Internal error; the server's log has the details under request id ${requestId}`,
      {
        code: -32_603,
      },
    );
  }
  if (refusal.isSuspicious) {
    await auditor
      .createEvent({
        eventId: 'connection',
        // Not the request itself: the auditor would look for the principal, and fail as the guard did.
        meta: {
          actionType: 'refused',
          status: refusal.status,
          method: req.method,
          path: req.path,
          ip: req.ip ?? null,
          userAgent: req.headers['user-agent']?.slice(0, 256) ?? null,
        },
      })
      .then(event => event.fail({ error: refusal }))
      .catch(error => logger.error('An audit event of a refused request could not be written', error));
  }
  if (res.headersSent) {
    res.destroy();
    return;
  }
  res
    .status(refusal.status)
    .set(refusal.headers)
    .json({ ...refusal.body, id: res.locals.messageId ?? null });
}

/** The id of a JSON-RPC request; undefined for whatever is none. */
function requestId(body: unknown): string | number | undefined {
  const { id, method } = (body ?? {}) as { id?: unknown; method?: unknown };
  const isId = typeof id === 'string' || Number.isInteger(id);
  return isId && typeof method === 'string' ? (id as string | number) : undefined;
}
