import { setTimeout as sleep } from 'node:timers/promises';
import { backOff, ExchangeError, type HttpChannel, readMessages } from './HttpChannel.js';
import { findMirroredArguments, type MirroredArgument, modernHeaders } from './mcpHeaders.js';
import { HEADER_MISMATCH, isResponse, type JsonRpcId, type Message, type Request, type Response } from './messages.js';

const MAX_LIST_PAGES = 100;
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId';
/** A stream that lasts this long has not failed at once. */
const LASTING_STREAM_MS = 10_000;
const MAX_SHORT_STREAMS = 5;

/** Requests of the 2026 era, where each stands for itself: a POST with the headers that repeat it. */
export class ModernServer {
  readonly #channel: HttpChannel;
  readonly #url: URL;
  readonly #deliver: (message: Message) => Promise<void>;
  readonly #mirrored = new Map<string, MirroredArgument[]>();

  constructor(options: { channel: HttpChannel; url: URL; deliver: (message: Message) => Promise<void> }) {
    this.#channel = options.channel;
    this.#url = options.url;
    this.#deliver = options.deliver;
  }

  /** @param signal - ends the request, which is how the server learns that it is cancelled. */
  async request(request: Request, signal: AbortSignal): Promise<void> {
    if (request.method === 'subscriptions/listen') {
      return this.#listen(request, signal);
    }
    try {
      await this.#exchange(request, signal, this.#deliver);
    } catch (error) {
      if (!isHeaderMismatch(error) || request.method !== 'tools/call') {
        throw error;
      }
      await this.#learnTools(request, signal);
      await this.#exchange(request, signal, this.#deliver);
    }
  }

  /** Listens again where the connection is lost; the client is told of what may have changed meanwhile. */
  async #listen(request: Request, signal: AbortSignal): Promise<void> {
    let wasAcknowledged = false;
    let delays = backOff();
    let shortStreams = 0;
    for (;;) {
      const openedAtMs = Date.now();
      try {
        return await this.#exchange(request, signal, async message => {
          if (message.method !== ACKNOWLEDGED || !wasAcknowledged) {
            wasAcknowledged ||= message.method === ACKNOWLEDGED;
            await this.#deliver(message);
          } else {
            for (const change of describeChanges(message, request.id)) {
              await this.#deliver(change);
            }
          }
        });
      } catch (error) {
        const isLost = error instanceof ExchangeError && error.status === undefined && !error.isUntouched;
        const wasLasting = Date.now() - openedAtMs > LASTING_STREAM_MS;
        shortStreams = wasLasting ? 0 : shortStreams + 1;
        if (signal.aborted || !isLost || !wasAcknowledged || shortStreams > MAX_SHORT_STREAMS) {
          throw error;
        }
        delays = wasLasting ? backOff() : delays;
        await sleep(delays.next().value, undefined, { signal });
      }
    }
  }

  async #exchange(
    request: Request,
    signal: AbortSignal,
    deliver: (message: Message) => void | Promise<void>,
  ): Promise<void> {
    const tool = request.method === 'tools/call' ? request.params?.name : undefined;
    const response = await this.#channel.request(this.#url, {
      method: 'POST',
      headers: {
        ...modernHeaders(request, this.#mirrored.get(String(tool))),
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify(request),
      signal,
    });
    for await (const message of readMessages(response)) {
      if (isResponse(message) && message.id === request.id) {
        if (request.method === 'tools/list') {
          this.#learn(message);
        }
        await deliver(message);
        await response.body?.cancel().catch(() => {
          // It was read to its end.
        });
        return;
      }
      await deliver(message);
    }
    throw new ExchangeError('The connection ended before the answer came');
  }

  /** Asks which arguments the tools want in headers, for a client that has not asked. */
  async #learnTools({ params }: Request, signal: AbortSignal): Promise<void> {
    let cursor: unknown;
    for (let pages = 0; pages < MAX_LIST_PAGES; pages += 1) {
      let answer: Response | undefined;
      await this.#exchange(
        {
          jsonrpc: '2.0',
          id: `callboard-bridge-tools-${pages}`,
          method: 'tools/list',
          params: { _meta: params?._meta, ...(cursor !== undefined && { cursor }) },
        },
        signal,
        message => {
          answer = isResponse(message) ? message : answer;
        },
      );
      cursor = (answer?.result as { nextCursor?: unknown } | undefined)?.nextCursor;
      if (cursor === undefined) {
        return;
      }
    }
  }

  #learn(message: Message): void {
    for (const [name, mirrored] of findMirroredArguments(message)) {
      if (mirrored.length > 0) {
        this.#mirrored.set(name, mirrored);
      } else {
        this.#mirrored.delete(name);
      }
    }
  }
}

/** @param acknowledged - with what the server agrees to tell of. */
function describeChanges({ params }: Message, subscriptionId: JsonRpcId): Message[] {
  const agreed = (params?.notifications ?? {}) as Record<string, unknown>;
  const uris = Array.isArray(agreed.resourceSubscriptions) ? agreed.resourceSubscriptions : [];
  const tell = (method: string, more: object = {}): Message => ({
    jsonrpc: '2.0',
    method,
    params: { ...more, _meta: { [SUBSCRIPTION_ID]: subscriptionId } },
  });
  return [
    ...['tools', 'prompts', 'resources']
      .filter(kind => agreed[`${kind}ListChanged`] === true)
      .map(kind => tell(`notifications/${kind}/list_changed`)),
    ...uris.map(uri => tell('notifications/resources/updated', { uri })),
  ];
}

function isHeaderMismatch(error: unknown): boolean {
  return error instanceof ExchangeError && error.answer?.error?.code === HEADER_MISMATCH;
}
