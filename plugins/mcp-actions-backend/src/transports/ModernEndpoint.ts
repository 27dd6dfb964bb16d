import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { LoggerService } from '@backstage/backend-plugin-api';
import { disconnectSignal } from '@callboard/actions';
import { createMcpHandler, type McpHttpHandler } from '@modelcontextprotocol/server';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import { toAuthInfo } from '../protocol/RequestContext.js';
import type { Exchange } from './Exchange.js';

/** Serves protocol revision 2026-07-28, where every request stands for itself. */
export class ModernEndpoint {
  readonly #logger: LoggerService;
  readonly #handlers = new Map<PublishedServer, McpHttpHandler>();

  constructor(options: { logger: LoggerService }) {
    this.#logger = options.logger;
  }

  async serve({ req, res, server, context, body }: Exchange): Promise<void> {
    const request = new Request(new URL(req.originalUrl, 'http://localhost'), {
      method: 'POST',
      headers: singleValues(req.headers),
      signal: disconnectSignal(res),
    });
    const response = await this.#handlerOf(server).fetch(request, { authInfo: toAuthInfo(context), parsedBody: body });
    if (res.destroyed) {
      return;
    }
    res.status(response.status);
    response.headers.forEach((value, name) => {
      res.setHeader(name, value);
    });
    if (!response.body) {
      res.end();
    } else if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
      res.setHeader('Cache-Control', 'no-cache, no-transform');
      res.setHeader('X-Accel-Buffering', 'no');
      res.flushHeaders();
      await pipeline(Readable.fromWeb(response.body as import('node:stream/web').ReadableStream), res).catch(() => {
        // The client has gone; the request's signal has told the handler.
      });
    } else {
      res.end(Buffer.from(await response.arrayBuffer()));
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#handlers.values()].map(handler => handler.close()));
  }

  #handlerOf(server: PublishedServer): McpHttpHandler {
    let handler = this.#handlers.get(server);
    if (!handler) {
      handler = createMcpHandler(() => server.connectable(), {
        legacy: 'reject',
        onerror: error => this.#logger.debug('A message was refused or failed', error),
      });
      this.#handlers.set(server, handler);
    }
    return handler;
  }
}

function singleValues(headers: NodeJS.Dict<string | string[]>): Headers {
  const result = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    for (const single of [value ?? []].flat()) {
      result.append(name, single);
    }
  }
  return result;
}
