import type { LoggerService } from '@backstage/backend-plugin-api';
import { disconnectSignal } from '@callboard/actions';
import { createMcpHandler, type McpHttpHandler } from '@modelcontextprotocol/server';
import { RefusedRequest } from '../guards/RefusedRequest.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import { type CallerContext, toAuthInfo } from '../protocol/RequestContext.js';
import { MAX_SUBSCRIPTIONS } from '../resources/ResourceSubscriptions.js';
import { expiryOf, ownerOf } from '../transports/Connection.js';
import type { EventStream } from '../transports/EventStream.js';
import type { Exchange } from '../transports/Exchange.js';
import { isEventStream, sendResponse, toWebRequest } from '../transports/webExchange.js';
import type { ChangeAudience, Changes, ListKind } from './changes.js';
import { mayRead } from './mayRead.js';

/** For one principal, through one OAuth client. */
const MAX_PER_PRINCIPAL = 100;
const MAX_URI_CHARACTERS = 2_048;
const RETRY_AFTER = { 'Retry-After': '30' };

/** One open `subscriptions/listen`. */
export interface Listen {
  readonly principal: string;
  readonly server: PublishedServer;
  readonly caller: CallerContext;
  readonly openedAtMs: number;
  /** When the credentials that opened it end. */
  readonly expiresAtMs: number | undefined;
}

interface OpenListen extends Listen {
  /** The SDK's side of this one stream, so that it can be told and ended apart from others. */
  readonly handler: McpHttpHandler;
  /** Of the resources that it asks for, those that it could see. */
  uris: ReadonlySet<string>;
  done: Promise<void>;
}

/** Told of listen streams that come and go. */
export interface ListenObserver {
  opened(listen: Listen, context: Exchange['context']): void;
  closed(listen: Listen, durationMs: number): void;
}

/**
 * The streams of `subscriptions/listen` (MCP 2026-07-28, subscriptions). The SDK checks and words
 * what goes over them; this decides who has one, for how long, and what they hear.
 */
export class ListenStreams implements ChangeAudience {
  readonly #maxStreams: number;
  readonly #maxPerPrincipal: number;
  readonly #logger: LoggerService;
  readonly #observer: ListenObserver;
  readonly #nowMs: () => number;
  readonly #open = new Set<OpenListen>();

  constructor(options: {
    maxStreams: number;
    maxPerPrincipal?: number;
    logger: LoggerService;
    observer: ListenObserver;
    nowMs?: () => number;
  }) {
    this.#maxStreams = options.maxStreams;
    this.#maxPerPrincipal = options.maxPerPrincipal ?? MAX_PER_PRINCIPAL;
    this.#logger = options.logger;
    this.#observer = options.observer;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Answers a listen request, until its client leaves or the stream is ended.
   *
   * @throws RefusedRequest 429 if the principal has too many streams, 503 if all together have.
   */
  async serve(exchange: Exchange, stream: EventStream): Promise<void> {
    const { server, context } = exchange;
    const principal = ownerOf(context);
    this.#checkRoom(principal);
    const listen: OpenListen = {
      principal,
      server,
      caller: context,
      openedAtMs: this.#nowMs(),
      expiresAtMs: expiryOf(context),
      uris: new Set(),
      done: Promise.resolve(),
      handler: createMcpHandler(() => server.connectable(), {
        legacy: 'reject',
        keepAliveMs: 0,
        onerror: error => this.#logger.debug('A message was refused or failed', error),
      }),
    };
    this.#open.add(listen);
    listen.done = this.#run(listen, exchange, stream).finally(() => this.#open.delete(listen));
    await listen.done;
  }

  async tell(changes: Changes): Promise<void> {
    await Promise.all([...this.#open].map(listen => tellOne(listen, changes)));
  }

  /** Ends the streams of those whose credentials have ended. */
  async endExpired(): Promise<void> {
    const nowMs = this.#nowMs();
    await end([...this.#open].filter(({ expiresAtMs }) => expiresAtMs !== undefined && expiresAtMs <= nowMs));
  }

  async close(): Promise<void> {
    await end([...this.#open]);
  }

  async #run(listen: OpenListen, { req, res, server, context, body }: Exchange, stream: EventStream): Promise<void> {
    const { handler } = listen;
    const given = body as ListenRequest;
    listen.uris = await visibleUris(server, given, context);
    const response = await handler.fetch(toWebRequest(req, disconnectSignal(res)), {
      authInfo: toAuthInfo(context),
      parsedBody: withUris(given, [...listen.uris]),
    });
    const isOpened = isEventStream(response);
    if (isOpened) {
      this.#observer.opened(listen, context);
    }
    try {
      await sendResponse(res, response, stream);
    } finally {
      await handler.close();
      if (isOpened) {
        this.#observer.closed(listen, this.#nowMs() - listen.openedAtMs);
      }
    }
  }

  #checkRoom(principal: string): void {
    const own = [...this.#open].filter(listen => listen.principal === principal).length;
    if (own >= this.#maxPerPrincipal) {
      throw new RefusedRequest(429, `There are ${own} listen streams of this caller already; end one first`, {
        headers: RETRY_AFTER,
      });
    }
    if (this.#open.size >= this.#maxStreams) {
      throw new RefusedRequest(
        503,
        `All ${this.#maxStreams} listen streams are in use (mcpActions.sessions.maxSessions); try again later`,
        { headers: RETRY_AFTER },
      );
    }
  }
}

interface ListenRequest {
  readonly method: 'subscriptions/listen';
  readonly params?: { readonly notifications?: { readonly resourceSubscriptions?: unknown } };
}

export function isListen(body: unknown): boolean {
  return (body as { method?: unknown } | null | undefined)?.method === 'subscriptions/listen';
}

/** Of the resources that are asked for, those that the caller may read: of others nothing is said, nor whether there are any. */
async function visibleUris(
  server: PublishedServer,
  { params }: ListenRequest,
  caller: CallerContext,
): Promise<ReadonlySet<string>> {
  const asked = params?.notifications?.resourceSubscriptions;
  const uris = (Array.isArray(asked) ? asked : []).filter(
    (uri): uri is string => typeof uri === 'string' && uri.length <= MAX_URI_CHARACTERS,
  );
  const first = [...new Set(uris)].slice(0, MAX_SUBSCRIPTIONS);
  const visible = await Promise.all(first.map(uri => mayRead(server, uri, caller)));
  return new Set(first.filter((_uri, index) => visible[index]));
}

/** What is no list of texts stays as it is, for the SDK to refuse. */
function withUris(request: ListenRequest, uris: readonly string[]): ListenRequest {
  const { notifications } = request.params ?? {};
  const asked = notifications?.resourceSubscriptions;
  return Array.isArray(asked) && asked.every(uri => typeof uri === 'string')
    ? { ...request, params: { ...request.params, notifications: { ...notifications, resourceSubscriptions: uris } } }
    : request;
}

const notify: Record<ListKind, (handler: McpHttpHandler) => void> = {
  tools: handler => handler.notify.toolsChanged(),
  resources: handler => handler.notify.resourcesChanged(),
  prompts: handler => handler.notify.promptsChanged(),
};

/** The SDK sends on what the stream has asked for, and nothing else. */
async function tellOne({ handler, server, caller, uris }: OpenListen, changes: Changes): Promise<void> {
  for (const kind of changes.listsOf(server)) {
    notify[kind](handler);
  }
  for (const uri of changes.resources) {
    if (uris.has(uri) && (await mayRead(server, uri, caller))) {
      handler.notify.resourceUpdated(uri);
    }
  }
}

async function end(listens: readonly OpenListen[]): Promise<void> {
  await Promise.all(listens.map(({ handler }) => handler.close()));
  await Promise.all(listens.map(({ done }) => done.catch(() => {})));
}
