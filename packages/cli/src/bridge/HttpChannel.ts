import { setTimeout as sleep } from 'node:timers/promises';
import { CliError, describeCause } from '../errors.js';
import { type Fetch, isNetworkError, wasNeverSent } from '../server/httpClient.js';
import { visibleLine } from '../terminal/visibleText.js';
import { readEvents } from './eventStream.js';
import { isMessage, type Message } from './messages.js';

const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 5_000;
const MAX_SHOWN_TEXT = 300;
const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** An answer of the server, or none, that ends a request. */
export class ExchangeError extends Error {
  /** HTTP status, if there was an answer. */
  readonly status: number | undefined;
  /** A JSON-RPC error that came along with the status. */
  readonly answer: Message | undefined;
  /** Whether the server has certainly not begun with the request. */
  readonly isUntouched: boolean;

  constructor(
    message: string,
    options: { status?: number; answer?: Message; isUntouched?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.status = options.status;
    this.answer = options.answer;
    this.isUntouched = options.isUntouched ?? false;
  }
}

/** How long to wait before the next attempt, longer each time, and not at the same time as all others. */
export function* backOff(random: () => number = Math.random): Generator<number, never> {
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, MAX_DELAY_MS)) {
    yield delayMs * (0.75 + random() / 2);
  }
}

/** HTTP requests to one server, made again while it cannot be reached. */
export class HttpChannel {
  readonly #fetch: Fetch;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #patienceMs: number;

  /** @param options.patienceMs - how long a request waits for a server that is away. */
  constructor(options: { fetch: Fetch; headers: Readonly<Record<string, string>>; patienceMs: number }) {
    this.#fetch = options.fetch;
    this.#headers = options.headers;
    this.#patienceMs = options.patienceMs;
  }

  /**
   * @returns an answer with a status below 300.
   * @throws ExchangeError for everything else.
   */
  async request(
    url: string | URL,
    { headers, ...init }: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> },
  ): Promise<Response> {
    const giveUpAtMs = Date.now() + this.#patienceMs;
    const signal = init.signal ?? undefined;
    for (const delayMs of backOff()) {
      const { response, error } = await this.#attempt(url, { ...init, headers: { ...this.#headers, ...headers } });
      if (response) {
        return response;
      }
      const isAway = error.isUntouched && (error.status === undefined || error.status === 503);
      if (!isAway || Date.now() + delayMs > giveUpAtMs) {
        throw error;
      }
      await sleep(delayMs, undefined, { signal });
    }
    throw new Error('unreachable');
  }

  async #attempt(
    url: string | URL,
    init: RequestInit,
  ): Promise<{ response: Response; error?: undefined } | { response?: undefined; error: ExchangeError }> {
    let response: Response;
    try {
      response = await this.#fetch(url, init);
    } catch (error) {
      if (init.signal?.aborted || error instanceof CliError || !isNetworkError(error)) {
        throw error;
      }
      return {
        error: new ExchangeError(
          wasNeverSent(error)
            ? `The server at ${new URL(url).host} cannot be reached: ${describeCause(error)}`
            : `The connection to the server was lost: ${describeCause(error)}`,
          { isUntouched: wasNeverSent(error), cause: error },
        ),
      };
    }
    if (response.status < 300) {
      return { response };
    }
    const text = await readText(response);
    const answer = parseMessage(text);
    return {
      error: new ExchangeError(describeRefusal(response, answer, text), {
        status: response.status,
        ...(answer && { answer }),
        isUntouched: response.status === 503 || response.status === 404,
      }),
    };
  }
}

interface StreamObserver {
  event?: (id: string | undefined) => void;
  retry?: (delayMs: number) => void;
}

/**
 * Messages of an answer, as JSON or as a stream of events.
 *
 * @throws ExchangeError if it breaks off or is something else.
 */
export async function* readMessages(response: Response, on: StreamObserver = {}): AsyncGenerator<Message> {
  try {
    yield* parseMessages(response, on);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new ExchangeError('The server sent something that is not JSON', { cause: error });
    }
    throw isNetworkError(error)
      ? new ExchangeError(`The connection ended before the answer came: ${describeCause(error)}`, { cause: error })
      : error;
  }
}

async function* parseMessages(response: Response, on: StreamObserver): AsyncGenerator<Message> {
  const type = response.headers.get('content-type')?.split(';')[0]?.trim();
  if (type === 'text/event-stream' && response.body) {
    for await (const { id, event, data } of readEvents(response.body, on.retry)) {
      on.event?.(id);
      if ((event === undefined || event === 'message') && data !== '') {
        const value: unknown = JSON.parse(data);
        yield* [value].flat().filter(isMessage);
      }
    }
    return;
  }
  const text = await readText(response);
  if (text.trim() === '') {
    return;
  }
  if (type !== 'application/json') {
    throw new ExchangeError(
      `The server answered with ${type ?? 'no content type'} instead of JSON: is this the URL of an MCP server?`,
    );
  }
  yield* [JSON.parse(text) as unknown].flat().filter(isMessage);
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      throw new ExchangeError(`The server answered with more than ${MAX_BODY_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseMessage(text: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isMessage(value) ? value : undefined;
  } catch {
    // A page of a proxy, for example.
    return undefined;
  }
}

function describeRefusal({ status }: Response, answer: Message | undefined, text: string): string {
  const said = visibleLine(answer?.error?.message ?? text).slice(0, MAX_SHOWN_TEXT);
  const reason =
    status === 401
      ? 'The server does not accept the token'
      : status === 403
        ? 'The server does not allow this'
        : 'The server refused the message';
  return `${reason} (HTTP ${status})${said ? `: ${said}` : ''}`;
}
