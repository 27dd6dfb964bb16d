import { ExchangeError, type HttpChannel, readMessages } from './HttpChannel.js';
import { findMirroredArguments, type MirroredArgument, modernHeaders } from './mcpHeaders.js';
import { HEADER_MISMATCH, isResponse, type Message, type Request, type Response } from './messages.js';

const MAX_LIST_PAGES = 100;

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

function isHeaderMismatch(error: unknown): boolean {
  return error instanceof ExchangeError && error.answer?.error?.code === HEADER_MISMATCH;
}
