import type { LoggerService } from '@backstage/backend-plugin-api';
import { disconnectSignal } from '@callboard/actions';
import { createMcpHandler, type McpHttpHandler } from '@modelcontextprotocol/server';
import { isListen, type ListenStreams } from '../notifications/ListenStreams.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import { toAuthInfo } from '../protocol/RequestContext.js';
import { EventStream } from './EventStream.js';
import type { Exchange } from './Exchange.js';
import { acceptsEventStream, sendResponse, toWebRequest } from './webExchange.js';

/** Serves protocol revision 2026-07-28, where every request stands for itself. */
export class ModernEndpoint {
  readonly #logger: LoggerService;
  readonly #listens: ListenStreams;
  readonly #keepAliveMs: number;
  readonly #handlers = new Map<PublishedServer, McpHttpHandler>();

  constructor(options: { logger: LoggerService; listens: ListenStreams; keepAliveMs: number }) {
    this.#logger = options.logger;
    this.#listens = options.listens;
    this.#keepAliveMs = options.keepAliveMs;
  }

  async serve(exchange: Exchange): Promise<void> {
    const { req, res, server, context, body } = exchange;
    const stream = new EventStream({ res, keepAliveMs: this.#keepAliveMs });
    if (isListen(body)) {
      return this.#listens.serve(exchange, stream);
    }
    if (acceptsEventStream(req)) {
      stream.keepAlive();
    }
    const response = await this.#handlerOf(server).fetch(toWebRequest(req, disconnectSignal(res)), {
      authInfo: toAuthInfo(context),
      parsedBody: body,
    });
    await sendResponse(res, response, stream);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#handlers.values()].map(handler => handler.close()));
  }

  #handlerOf(server: PublishedServer): McpHttpHandler {
    let handler = this.#handlers.get(server);
    if (!handler) {
      handler = createMcpHandler(() => server.connectable(), {
        legacy: 'reject',
        keepAliveMs: 0,
        onerror: error => this.#logger.debug('A message was refused or failed', error),
      });
      this.#handlers.set(server, handler);
    }
    return handler;
  }
}
