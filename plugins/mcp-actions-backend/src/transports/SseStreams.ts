import type { LoggerService } from '@backstage/backend-plugin-api';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { RefusedRequest } from '../guards/RefusedRequest.js';
import { toAuthInfo } from '../protocol/RequestContext.js';
import type { Connections } from './Connections.js';
import { EventStream } from './EventStream.js';
import type { Exchange } from './Exchange.js';

/** HTTP+SSE gave way to Streamable HTTP in protocol revision 2025-03-26; RFC 9745 wants the date. */
const DEPRECATED_SINCE = `@${Date.UTC(2025, 2, 26) / 1000}`;

/**
 * The deprecated HTTP+SSE transport (MCP 2024-11-05), for clients that know no other: one stream
 * per client for answers, and POSTs that name the stream. All of it is in this file.
 */
export class SseStreams {
  readonly #streams: Connections<SSEServerTransport>;
  readonly #logger: LoggerService;
  readonly #keepAliveMs: number;
  #hasWarned = false;

  constructor(options: { streams: Connections<SSEServerTransport>; logger: LoggerService; keepAliveMs: number }) {
    this.#streams = options.streams;
    this.#logger = options.logger;
    this.#keepAliveMs = options.keepAliveMs;
  }

  /** @throws RefusedRequest 405 for HEAD, 503 if all streams are in use. */
  async open({ req, res, server, context }: Omit<Exchange, 'body'>, streamPath: string): Promise<void> {
    if (req.method === 'HEAD') {
      throw new RefusedRequest(405, 'Method not allowed, expected GET', { headers: { Allow: 'GET' } });
    }
    await this.#streams.makeRoomFor(context);
    if (res.closed) {
      return;
    }
    this.#warnOnce(req.headers['user-agent']);
    res.setHeader('Deprecation', DEPRECATED_SINCE);
    res.setHeader('Link', `<${streamPath.replace(/\/sse$/, '')}>; rel="successor-version"`);
    res.setHeader('X-Accel-Buffering', 'no');

    const protocol = server.connectable();
    const stream = new EventStream({ res, keepAliveMs: this.#keepAliveMs });
    const transport = new SSEServerTransport(`${streamPath}/messages`, res);
    transport.send = async message => stream.writeMessage(message);
    const { sessionId: id } = transport;
    const connection = this.#streams.add({ id, transport, protocol, server }, context);
    connection.openStreams = 1;
    connection.listens = true;
    res.once('close', () => void this.#streams.close(id));
    await protocol.connect(transport);
    stream.keepAlive();
  }

  /** Takes a message for a stream; the answer travels on the stream. */
  async receive({ req, res, server, context, body }: Exchange): Promise<void> {
    res.setHeader('Deprecation', DEPRECATED_SINCE);
    const [sessionId = '', ...others] = new URL(req.originalUrl, 'http://localhost').searchParams.getAll('sessionId');
    if (sessionId === '' || others.length > 0) {
      throw new RefusedRequest(
        400,
        'Name one stream: POST to the address that the stream announced, with its sessionId',
      );
    }
    const stream = this.#streams.find(sessionId, server, context);
    if (!stream) {
      throw new RefusedRequest(404, 'There is no such stream; open a new one', { isSuspicious: true });
    }
    await stream.transport.handlePostMessage(Object.assign(req, { auth: toAuthInfo(context) }), res, body);
  }

  #warnOnce(userAgent: string | undefined): void {
    if (!this.#hasWarned) {
      this.#hasWarned = true;
      this.#logger.warn(
        `A client connects over HTTP+SSE, which is deprecated; point it at the URL without /sse (user agent ${JSON.stringify(userAgent ?? '')})`,
      );
    }
  }
}
