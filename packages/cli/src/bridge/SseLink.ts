import { describeCause } from '../errors.js';
import { readEvents } from './eventStream.js';
import { ExchangeError, type HttpChannel } from './HttpChannel.js';
import { type Link, type LinkOwner, SessionLost } from './Link.js';
import { isMessage, isRequest, isResponse, type JsonRpcId, type Message } from './messages.js';

/** A session over the transport of 2024-11-05: one stream for everything that the server says. */
export class SseLink implements Link {
  protocolVersion: string | undefined;
  readonly #channel: HttpChannel;
  readonly #owner: LinkOwner;
  readonly #closing: AbortController;
  readonly #endpoint: URL;
  readonly #waiting = new Map<JsonRpcId, { resolve: () => void; reject: (error: unknown) => void }>();
  #isOver = false;

  private constructor(options: {
    channel: HttpChannel;
    owner: LinkOwner;
    closing: AbortController;
    endpoint: URL;
  }) {
    this.#channel = options.channel;
    this.#owner = options.owner;
    this.#closing = options.closing;
    this.#endpoint = options.endpoint;
  }

  /** @throws ExchangeError if the server does not speak this transport at the URL. */
  static async open(options: { channel: HttpChannel; url: URL; owner: LinkOwner }): Promise<SseLink> {
    const { channel, url, owner } = options;
    const closing = new AbortController();
    const response = await channel.request(url, {
      method: 'GET',
      headers: { Accept: 'text/event-stream' },
      signal: closing.signal,
    });
    if (!response.headers.get('content-type')?.startsWith('text/event-stream') || !response.body) {
      closing.abort();
      throw new ExchangeError('The server has no event stream at this URL');
    }
    const events = readEvents(response.body);
    const first = await events.next();
    const endpoint = first.done || first.value.event !== 'endpoint' ? undefined : new URL(first.value.data, url);
    // A token must not go to a place that the stream names.
    if (!endpoint || endpoint.origin !== url.origin) {
      closing.abort();
      throw new ExchangeError(
        endpoint
          ? `The server's event stream names an endpoint at another origin, ${endpoint.origin}`
          : 'The server has an event stream at this URL, which is not one of MCP',
      );
    }
    const link = new SseLink({ channel, owner, closing, endpoint });
    void link.#read(events);
    return link;
  }

  async send(message: Message, signal?: AbortSignal): Promise<void> {
    if (this.#isOver) {
      throw new SessionLost();
    }
    const answered = isRequest(message) ? this.#answerTo(message.id, signal) : undefined;
    // Whoever waits hears of it below; until then nobody does.
    answered?.catch(() => {});
    try {
      const response = await this.#channel.request(this.#endpoint, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(message),
        signal: signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal,
      });
      await response.body?.cancel();
    } catch (error) {
      this.#waiting.delete(message.id as JsonRpcId);
      throw error instanceof ExchangeError && error.status === 404 ? new SessionLost({ cause: error }) : error;
    }
    await answered;
  }

  /** The stream is there from the beginning. */
  listen(): void {}

  abandon(): void {
    this.#isOver = true;
    this.#closing.abort();
  }

  async close(): Promise<void> {
    this.abandon();
  }

  #answerTo(id: JsonRpcId, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }

  async #read(events: AsyncIterable<{ event?: string; data: string }>): Promise<void> {
    let cause: unknown;
    try {
      for await (const { event, data } of events) {
        if (event === undefined || event === 'message') {
          const message: unknown = JSON.parse(data);
          if (isMessage(message)) {
            await this.#owner.deliver(message);
            if (isResponse(message) && message.id !== null) {
              this.#waiting.get(message.id)?.resolve();
              this.#waiting.delete(message.id);
            }
          }
        }
      }
    } catch (error) {
      cause = error;
    }
    const isWanted = this.#isOver;
    this.#isOver = true;
    for (const { reject } of this.#waiting.values()) {
      reject(new ExchangeError(`The connection to the server was lost${cause ? `: ${describeCause(cause)}` : ''}`));
    }
    this.#waiting.clear();
    if (!isWanted) {
      this.#owner.onLost();
    }
  }
}
