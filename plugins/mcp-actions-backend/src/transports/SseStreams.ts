import { randomUUID } from 'node:crypto';
import type { LoggerService } from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import type { JsonObject } from '@backstage/types';
import type { Replicas } from '@callboard/actions';
import type { JSONRPCMessage, Server } from '@modelcontextprotocol/server';
import { RefusedRequest } from '../guards/RefusedRequest.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import { toAuthInfo } from '../protocol/RequestContext.js';
import { answerInPieces, askInPieces } from '../replicas/askInPieces.js';
import { isGone } from '../replicas/isGone.js';
import { orAway } from './away.js';
import type { Connection } from './Connection.js';
import type { Connections } from './Connections.js';
import { EventStream } from './EventStream.js';
import type { Exchange } from './Exchange.js';
import { isRequest, parseMessage } from './messages.js';
import type { RequestIds } from './RequestIds.js';
import { SseTransport } from './SseTransport.js';

/** HTTP+SSE gave way to Streamable HTTP in protocol revision 2025-03-26; RFC 9745 wants the date. */
const DEPRECATED_SINCE = `@${Date.UTC(2025, 2, 26) / 1000}`;
const ASK_MS = 10_000;
/** Under which replicas ask the one that has a stream to send something on it, or whether it still has it. */
const WRITE = 'mcp-actions.sse.write';
const USE = 'mcp-actions.sse.use';

type Stream = Connection<SseTransport>;

/**
 * The deprecated HTTP+SSE transport (MCP 2024-11-05), for clients that know no other: one stream
 * per client for answers, and POSTs that name the stream. A POST is served by the replica that it
 * reaches; what comes of it goes to the one that has the stream.
 */
export class SseStreams {
  readonly #streams: Connections<SseTransport>;
  readonly #replicas: Replicas;
  readonly #ids: RequestIds;
  readonly #logger: LoggerService;
  readonly #keepAliveMs: number;
  readonly #closers: (() => void)[] = [];
  #hasWarned = false;

  constructor(options: {
    streams: Connections<SseTransport>;
    replicas: Replicas;
    ids: RequestIds;
    logger: LoggerService;
    keepAliveMs: number;
  }) {
    this.#streams = options.streams;
    this.#replicas = options.replicas;
    this.#ids = options.ids;
    this.#logger = options.logger;
    this.#keepAliveMs = options.keepAliveMs;
  }

  /** From now on, the other replicas reach the streams that are here. */
  listen(): void {
    this.#closers.push(
      answerInPieces(this.#replicas, WRITE, async payload => {
        const { id, json } = payload as { id: string; json: string };
        const stream = this.#findOwn(id);
        await stream?.transport.pass(json);
        return stream !== undefined;
      }),
      this.#replicas.answer(USE, async payload => {
        const { id, expiresAtMs } = payload as { id: string; expiresAtMs: number | null };
        const stream = this.#findOwn(id);
        if (stream) {
          stream.expiresAtMs = expiresAtMs ?? undefined;
          this.#streams.touch(stream);
        }
        return stream !== undefined;
      }),
    );
  }

  close(): void {
    for (const close of this.#closers.splice(0)) {
      close();
    }
  }

  /** @throws RefusedRequest 405 for HEAD, 503 if all streams are in use. */
  async open({ req, res, server, context }: Omit<Exchange, 'body'>, streamPath: string): Promise<void> {
    if (req.method === 'HEAD') {
      throw new RefusedRequest(405, 'Method not allowed, expected GET', { headers: { Allow: 'GET' } });
    }
    if (res.closed) {
      return;
    }
    const id = randomUUID();
    const stream = new EventStream({ res, keepAliveMs: this.#keepAliveMs });
    const transport = new SseTransport({
      sessionId: id,
      streamAt: undefined,
      ids: this.#ids,
      write: json => stream.send(json, undefined),
      end: () => stream.end(),
    });
    const protocol = server.connectable();
    await protocol.connect(transport);
    const connection = await this.#streams.add({ id, transport, protocol, server, speaks: true }, context);
    if (res.closed) {
      await this.#end(id);
      return;
    }
    connection.openStreams = 1;
    res.once('close', () => void this.#end(id));
    this.#warnOnce(req.headers['user-agent']);
    res.setHeader('Deprecation', DEPRECATED_SINCE);
    res.setHeader('Link', `<${streamPath.replace(/\/sse$/, '')}>; rel="successor-version"`);
    stream.write(`event: endpoint\ndata: ${streamPath}/messages?sessionId=${id}\n\n`);
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
    const stream = await this.#streams.find(sessionId, server, context);
    if (!stream || !(await this.#isThere(stream))) {
      throw new RefusedRequest(404, 'There is no such stream; open a new one', { isSuspicious: !stream });
    }
    const message = parseMessage(body);
    const extra = { authInfo: toAuthInfo(context) };
    if (isRequest(message)) {
      await this.#noteInitialize(stream, message);
      stream.transport.receive(message, extra);
    } else {
      await this.#streams.deliver(stream, message, extra);
    }
    res.writeHead(202).end('Accepted');
  }

  /** Makes this process's side of a stream that another replica has. */
  async connect(
    id: string,
    server: PublishedServer,
    at: string,
  ): Promise<{ transport: SseTransport; protocol: Server }> {
    const transport = new SseTransport({
      sessionId: id,
      streamAt: at,
      ids: this.#ids,
      write: async json => {
        try {
          const isThere = await askInPieces(this.#replicas, at, WRITE, { id, json }, { timeoutMs: ASK_MS });
          if (!isThere) {
            await this.#end(id);
          }
        } catch (error) {
          if (!isGone(error)) {
            throw error;
          }
          await this.#end(id);
        }
      },
      end: () => {},
    });
    const protocol = server.connectable();
    await protocol.connect(transport);
    return { transport, protocol };
  }

  /** Every replica has to know what the client says of itself, and only one has answered it. */
  async #noteInitialize(stream: Stream, message: JSONRPCMessage): Promise<void> {
    const { method, params } = message as { method?: string; params?: JsonObject };
    if (method === 'initialize' && !stream.initialized) {
      stream.initialized = params ?? {};
      await orAway(() => this.#streams.change(stream.id, { initialize: params ?? {} }));
    }
  }

  /** Whether the replica that has a stream still has it; it learns that the stream is in use. */
  async #isThere({ id, transport, expiresAtMs }: Stream): Promise<boolean> {
    const { streamAt } = transport;
    if (streamAt === undefined) {
      return true;
    }
    let isThere = false;
    try {
      const used = { id, expiresAtMs: expiresAtMs ?? null };
      isThere = await orAway(async () => Boolean(await this.#replicas.ask(streamAt, USE, used, { timeoutMs: ASK_MS })));
    } catch (error) {
      if (!isGone(error)) {
        throw error;
      }
    }
    if (!isThere) {
      await this.#end(id);
    }
    return isThere;
  }

  #findOwn(id: string): Stream | undefined {
    const stream = this.#streams.findHeld(id);
    return stream?.transport.streamAt === undefined ? stream : undefined;
  }

  async #end(id: string): Promise<void> {
    await this.#streams.close(id).catch(error => {
      this.#logger.debug('The end of a stream could not be told to the other replicas', toError(error));
      return this.#streams.drop(id);
    });
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
