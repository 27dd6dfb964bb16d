import { abortOnDisconnect, type CallAbort } from '@callboard/actions';
import {
  type CallToolResult,
  type ProtocolError,
  SERVER_INFO_META_KEY,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { answerCall, type ProtocolSide } from '../protocol/answerCall.js';
import { callTool } from '../protocol/callTool.js';
import { guarded } from '../protocol/guarded.js';
import { listToolsAsJson } from '../protocol/listTools.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import { toAuthInfo } from '../protocol/RequestContext.js';
import { EventStream } from '../transports/EventStream.js';
import type { Exchange } from '../transports/Exchange.js';
import { acceptsEventStream } from '../transports/webExchange.js';
import { divideMeta, findPlainRequest, MODERN_VERSION, type PlainRequest } from './findPlainRequest.js';
import { KnownEnvelopes } from './KnownEnvelopes.js';

const RESULT_BEGIN = Buffer.from('{"result":');
/** Part of revision 2026-07-28 only. */
const MISSING_CLIENT_CAPABILITY = -32_021;

/**
 * Answers the requests that agents make all day, `tools/call` and `tools/list` outside of sessions,
 * byte for byte as the SDK would, in a tenth of the time: the SDK makes a server and a transport for
 * each, and objects of the Fetch API besides. What it is asked to do, the same functions do.
 */
export class PlainRequests {
  readonly #keepAliveMs: number;
  readonly #envelopes = new KnownEnvelopes();

  constructor(options: { keepAliveMs: number }) {
    this.#keepAliveMs = options.keepAliveMs;
  }

  /** @returns undefined for a request that is for the SDK. */
  find({ req, server, body }: Exchange): PlainRequest | undefined {
    const request = findPlainRequest(req, body, this.#envelopes);
    // What clients repeat in headers is held against the arguments first.
    return request && !server.tools.hasHeaders(request.params.name) ? request : undefined;
  }

  /** Remembers what the client of a request of the 2026 era says of itself, once the SDK has accepted it. */
  learn({ params }: { params?: unknown }): void {
    const parts = divideMeta(params);
    if (parts) {
      this.#envelopes.add(parts.envelope);
    }
  }

  async serve(exchange: Exchange, request: PlainRequest): Promise<void> {
    const { req, res } = exchange;
    const ending = abortOnDisconnect(res);
    const stream = new EventStream({ res, keepAliveMs: this.#keepAliveMs });
    if (acceptsEventStream(req)) {
      stream.keepAlive();
    }
    const { status, parts } = await this.#answer(exchange, request, stream, ending);
    if (res.destroyed || res.writableEnded) {
      return;
    }
    if (stream.isOpen) {
      stream.send(Buffer.concat(parts).toString(), undefined);
      stream.end();
      return;
    }
    stream.stop();
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    res.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': length });
    // A list is long, and the same for many: it goes out as it is, uncopied.
    res.cork();
    for (const part of parts) {
      res.write(part);
    }
    res.end();
  }

  async #answer(
    exchange: Exchange,
    request: PlainRequest,
    stream: EventStream,
    ending: CallAbort,
  ): Promise<{ status: number; parts: readonly Buffer[] }> {
    const { server, context } = exchange;
    const id = JSON.stringify(request.id);
    try {
      if (request.method === 'tools/list') {
        const list = await guarded(server.services.logger, request.method, () =>
          listToolsAsJson(server, context, request.envelope ? 'modern' : 'legacy'),
        );
        return { status: 200, parts: [RESULT_BEGIN, list, Buffer.from(`,"jsonrpc":"2.0","id":${id}}`)] };
      }
      const result = await this.#call(exchange, request, stream, ending);
      return { status: 200, parts: [Buffer.from(`{"result":${JSON.stringify(result)},"jsonrpc":"2.0","id":${id}}`)] };
    } catch (thrown) {
      const { code, message, data } = thrown as ProtocolError;
      const error = JSON.stringify({ code, message, ...(data !== undefined && { data }) });
      return {
        status: request.envelope && code === MISSING_CLIENT_CAPABILITY ? 400 : 200,
        parts: [Buffer.from(`{"jsonrpc":"2.0","id":${id},"error":${error}}`)],
      };
    }
  }

  async #call(
    { server, context, req }: Exchange,
    request: PlainRequest,
    stream: EventStream,
    ending: CallAbort,
  ): Promise<object> {
    const { params } = request;
    const result = await guarded(server.services.logger, request.method, () =>
      answerCall({
        server,
        protocol: protocolSide(request),
        ctx: {
          mcpReq: {
            id: request.id,
            method: request.method,
            _meta: request.meta,
            envelope: request.envelope,
            requestState: () => undefined,
            // One of the platform's is needed only to send clients requests.
            signal: ending,
            notify: async (notification: object) => {
              if (acceptsEventStream(req)) {
                stream.writeMessage({ jsonrpc: '2.0', ...notification });
              }
            },
          },
          http: { authInfo: toAuthInfo(context) },
          // Outside of sessions clients cannot be sent requests, so that nothing that would do it is asked for.
        } as unknown as ServerContext,
        params,
        attempt: client => callTool(server, params, context, client),
      }),
    );
    return request.envelope ? forModern(result as CallToolResult, server) : forLegacy(result as CallToolResult);
  }
}

/** What is known of the client of such a request: of the 2025 era, nothing. */
function protocolSide({ envelope }: PlainRequest): ProtocolSide {
  return {
    getNegotiatedProtocolVersion: () => (envelope ? MODERN_VERSION : undefined),
    getClientCapabilities: () => undefined,
    getClientVersion: () => undefined,
  };
}

/** The 2025 era has objects only as structured content. */
function forLegacy(result: CallToolResult): CallToolResult {
  const { structuredContent: given } = result as { structuredContent?: unknown };
  return given === undefined || (typeof given === 'object' && given !== null && !Array.isArray(given))
    ? result
    : { ...result, structuredContent: { result: given } };
}

/** MCP 2026-07-28, results: each says what it is, and SHOULD say who gives it. */
function forModern(result: CallToolResult, server: PublishedServer): object {
  return { resultType: 'complete', ...result, _meta: { [SERVER_INFO_META_KEY]: server.info, ...result._meta } };
}
