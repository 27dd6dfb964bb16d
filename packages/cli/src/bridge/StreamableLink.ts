import { setTimeout as sleep } from 'node:timers/promises';
import { CliError, describeCause } from '../errors.js';
import { backOff, ExchangeError, type HttpChannel, readMessages } from './HttpChannel.js';
import { type Link, type LinkOwner, SessionLost } from './Link.js';
import { isRequest, isResponse, type JsonRpcId, type Message } from './messages.js';

const CLOSE_TIMEOUT_MS = 1_500;
/** Attempts to go on reading an answer whose stream has broken, one after the other without any event. */
const MAX_RESUMPTIONS = 5;
const LASTING_STREAM_MS = 10_000;

/** A session over Streamable HTTP (MCP 2025-11-25, transports). */
export class StreamableLink implements Link {
  protocolVersion: string | undefined;
  readonly #channel: HttpChannel;
  readonly #url: URL;
  readonly #owner: LinkOwner;
  readonly #closing = new AbortController();
  readonly #lost = new AbortController();
  #sessionId: string | undefined;
  #wantsToListen = false;
  #isListening = false;

  constructor(options: { channel: HttpChannel; url: URL; owner: LinkOwner }) {
    this.#channel = options.channel;
    this.#url = options.url;
    this.#owner = options.owner;
  }

  async send(message: Message, signal?: AbortSignal): Promise<void> {
    if (this.#lost.signal.aborted) {
      throw new SessionLost();
    }
    try {
      await this.#exchange(message, signal);
    } catch (error) {
      if (this.#lost.signal.aborted && (error as Error).name === 'AbortError' && !signal?.aborted) {
        throw new ExchangeError('The server lost the session before the answer came', { cause: error });
      }
      throw error;
    }
  }

  async #exchange(message: Message, signal: AbortSignal | undefined): Promise<void> {
    const until = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
    let response: Response;
    try {
      response = await this.#channel.request(this.#url, {
        method: 'POST',
        headers: {
          ...this.#sessionHeaders(),
          'Content-Type': 'application/json',
          Accept: 'application/json, text/event-stream',
        },
        body: JSON.stringify(message),
        signal: until,
      });
    } catch (error) {
      throw this.#isUnknownSession(error) ? new SessionLost({ cause: error }) : error;
    }
    if (this.#wantsToListen) {
      this.listen();
    }
    if (message.method === 'initialize') {
      this.#sessionId = response.headers.get('mcp-session-id') ?? undefined;
    }
    if (isRequest(message)) {
      await this.#readAnswer(message.id, response, AbortSignal.any([until, this.#lost.signal]));
    } else {
      await response.body?.cancel();
    }
  }

  listen(): void {
    this.#wantsToListen = true;
    if (!this.#isListening && !this.#lost.signal.aborted) {
      this.#isListening = true;
      this.#keepListening()
        .catch(error => {
          if (!this.#lost.signal.aborted) {
            this.#owner.note(`The server cannot speak first for now: ${describeCause(error)}`);
          }
        })
        .finally(() => {
          this.#isListening = false;
        });
    }
  }

  abandon(): void {
    this.#lost.abort();
  }

  async close(): Promise<void> {
    this.abandon();
    if (!this.#closing.signal.aborted) {
      this.#closing.abort();
      if (this.#sessionId) {
        const signal = AbortSignal.timeout(CLOSE_TIMEOUT_MS);
        await this.#channel
          .request(this.#url, { method: 'DELETE', headers: this.#sessionHeaders(), signal })
          .then(response => response.body?.cancel())
          .catch(() => {
            // The server forgets sessions by itself.
          });
      }
    }
  }

  async #readAnswer(id: JsonRpcId, response: Response, signal: AbortSignal): Promise<void> {
    const stream = new ResumableStream();
    let delays = backOff();
    for (let resumptions = 0; ; resumptions += 1) {
      const { lastEventId } = stream;
      let cause: unknown;
      try {
        for await (const message of readMessages(response, stream)) {
          await this.#owner.deliver(message);
          if (isResponse(message) && message.id === id) {
            return;
          }
        }
      } catch (error) {
        if (signal.aborted) {
          throw error;
        }
        cause = error;
      }
      const hasAdvanced = stream.lastEventId !== lastEventId;
      if (hasAdvanced) {
        // A server may have its clients come back as often as it likes while a call takes its time.
        resumptions = 0;
        delays = backOff();
      }
      // Without event ids there is nothing to go on from.
      if (stream.lastEventId === undefined || resumptions >= MAX_RESUMPTIONS) {
        throw cause ?? new ExchangeError('The connection ended before the answer came');
      }
      const delayMs = hasAdvanced && stream.retryMs > 0 ? 0 : delays.next().value;
      await sleep(Math.max(delayMs, stream.retryMs), undefined, { signal });
      response = await this.#resume(stream.lastEventId, signal);
    }
  }

  /** @throws ExchangeError without a status: one would be about the stream, not about the request. */
  async #resume(lastEventId: string, signal: AbortSignal): Promise<Response> {
    try {
      return await this.#openStream(lastEventId, signal);
    } catch (error) {
      throw error instanceof ExchangeError
        ? new ExchangeError(
            `The connection ended before the answer came, and does not go on: ${describeCause(error)}`,
            { cause: error },
          )
        : error;
    }
  }

  async #keepListening(): Promise<void> {
    const { signal } = this.#lost;
    const stream = new ResumableStream();
    let delays = backOff();
    while (!signal.aborted) {
      const openedAtMs = Date.now();
      try {
        const response = await this.#openStream(stream.lastEventId, signal);
        for await (const message of readMessages(response, stream)) {
          await this.#owner.deliver(message);
        }
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        if (this.#isUnknownSession(error)) {
          this.#owner.onLost();
          return;
        }
        if (error instanceof CliError) {
          // Nobody is signed in any more; the next request changes that.
          throw error;
        }
        if (error instanceof ExchangeError && error.status === 400 && stream.lastEventId !== undefined) {
          // The server does not go on from events: it is asked afresh.
          stream.lastEventId = undefined;
        } else if (error instanceof ExchangeError && error.status !== undefined && error.status < 500) {
          // 405 is a server that never speaks first; others will not change their minds either.
          this.#wantsToListen = false;
          return;
        }
      }
      // A server that ends each stream at once is asked less and less often.
      if (Date.now() - openedAtMs > LASTING_STREAM_MS) {
        delays = backOff();
      }
      await sleep(Math.max(delays.next().value, stream.retryMs), undefined, { signal });
    }
  }

  #openStream(lastEventId: string | undefined, signal: AbortSignal): Promise<Response> {
    return this.#channel.request(this.#url, {
      method: 'GET',
      headers: {
        ...this.#sessionHeaders(),
        Accept: 'text/event-stream',
        ...(lastEventId && { 'Last-Event-ID': lastEventId }),
      },
      signal,
    });
  }

  #sessionHeaders(): Record<string, string> {
    return {
      ...(this.#sessionId && { 'Mcp-Session-Id': this.#sessionId }),
      ...(this.protocolVersion && { 'MCP-Protocol-Version': this.protocolVersion }),
    };
  }

  /** 404 is what the specification says; several servers answer 400 after a restart. */
  #isUnknownSession(error: unknown): boolean {
    return (
      this.#sessionId !== undefined &&
      error instanceof ExchangeError &&
      (error.status === 404 ||
        (error.status === 400 && /session|not initialized/i.test(error.answer?.error?.message ?? '')))
    );
  }
}

class ResumableStream {
  lastEventId: string | undefined;
  retryMs = 0;
  readonly event = (id: string | undefined) => {
    this.lastEventId = id || this.lastEventId;
  };
  readonly retry = (delayMs: number) => {
    this.retryMs = Math.min(delayMs, 60_000);
  };
}
