import { describeCause } from '../errors.js';
import { ExchangeError, type HttpChannel } from './HttpChannel.js';
import { type Link, type LinkOwner, SessionLost } from './Link.js';
import {
  isNotification,
  isRequest,
  isResponse,
  type JsonRpcId,
  type Message,
  type Notification,
  type Request,
  type Response,
} from './messages.js';
import { SseLink } from './SseLink.js';
import { StreamableLink } from './StreamableLink.js';

const OWN_ID_PREFIX = 'callboard-bridge-';
const MAX_RECOVERIES = 2;
const MAX_SUBSCRIPTIONS = 1_000;

interface InitializeResult {
  readonly protocolVersion?: string;
  readonly capabilities?: Readonly<Record<string, { readonly listChanged?: boolean } | undefined>>;
}

/**
 * A session of the 2025 era, from the client's view one for as long as the client lives: where the
 * server has lost it, another one is opened in the same way, and what was said to last is said again.
 */
export class LegacySession {
  readonly #channel: HttpChannel;
  readonly #url: URL;
  readonly #deliver: (message: Message) => Promise<void>;
  readonly #note: (text: string) => void;
  readonly #ownAnswers = new Map<JsonRpcId, (message: Response) => void>();
  /** Requests of the server that the client has not answered, with the link that they came on. */
  readonly #asked = new Map<JsonRpcId, Link>();
  readonly #subscriptions = new Map<string, Request>();
  #logLevel: Request | undefined;
  #initialize: Request | undefined;
  #protocolVersion: string | undefined;
  #isInitialized = false;
  #link: Promise<Link> | undefined;
  #ownIds = 0;
  #isClosed = false;

  constructor(options: {
    channel: HttpChannel;
    url: URL;
    deliver: (message: Message) => Promise<void>;
    note: (text: string) => void;
  }) {
    this.#channel = options.channel;
    this.#url = options.url;
    this.#deliver = options.deliver;
    this.#note = options.note;
  }

  /** Whether the client has begun a session. */
  get isOpen(): boolean {
    return this.#initialize !== undefined;
  }

  async request(request: Request, signal: AbortSignal): Promise<void> {
    if (request.method === 'initialize') {
      return this.#open(request, signal);
    }
    await this.#send(request, signal);
    this.#remember(request);
  }

  async notify(notification: Notification): Promise<void> {
    await this.#send(notification);
    if (notification.method === 'notifications/initialized') {
      this.#isInitialized = true;
      (await this.#link)?.listen();
    }
  }

  /** Hands an answer of the client to the server, if the server still waits for it. */
  async respond(response: Response): Promise<void> {
    const link = this.#asked.get(response.id as JsonRpcId);
    this.#asked.delete(response.id as JsonRpcId);
    if (link && link === (await this.#link)) {
      await link.send(response);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await (await this.#link?.catch(() => undefined))?.close();
  }

  async #open(request: Request, signal: AbortSignal): Promise<void> {
    await (await this.#link?.catch(() => undefined))?.close();
    this.#initialize = request;
    this.#isInitialized = false;
    this.#subscriptions.clear();
    this.#logLevel = undefined;
    const opened = this.#connect(link => link.send(request, signal));
    this.#link = opened;
    await opened;
  }

  /** @param greet - sends `initialize`. */
  async #connect(greet: (link: Link) => Promise<void>): Promise<Link> {
    let link: Link | undefined;
    const owner: LinkOwner = {
      deliver: message => this.#receive(message, link as Link),
      onLost: () => link && this.#onLost(link),
      note: this.#note,
    };
    const options = { channel: this.#channel, url: this.#url, owner };
    link = new StreamableLink(options);
    try {
      await greet(link);
    } catch (error) {
      // MCP 2025-11-25, transports, backwards compatibility.
      const isOtherTransport =
        error instanceof ExchangeError &&
        (error.status === 404 || error.status === 405 || (error.status === 400 && !error.answer));
      if (!isOtherTransport) {
        throw error;
      }
      link = await SseLink.open(options).catch(() => {
        throw error;
      });
      await greet(link);
    }
    link.protocolVersion = this.#protocolVersion;
    return link;
  }

  async #send(message: Message, signal?: AbortSignal): Promise<void> {
    for (let recoveries = 0; ; recoveries += 1) {
      const opened = this.#link;
      if (!opened) {
        throw new ExchangeError('The session is not open: send "initialize" first', { isUntouched: true });
      }
      const link = await opened;
      try {
        return await link.send(message, signal);
      } catch (error) {
        if (!(error instanceof SessionLost) || recoveries >= MAX_RECOVERIES || this.#isClosed) {
          throw error;
        }
        await this.#recover(link);
      }
    }
  }

  #onLost(link: Link): void {
    if (!this.#isClosed) {
      this.#recover(link).catch(error => this.#note(`The session could not be opened again: ${describeCause(error)}`));
    }
  }

  /** Opens a session in place of a lost one; only the first of those who notice does. */
  async #recover(lost: Link): Promise<void> {
    const current = await this.#link?.catch(() => undefined);
    if (current !== lost) {
      await this.#link;
      return;
    }
    const recovering = this.#replace(lost);
    this.#link = recovering;
    recovering.catch(() => {
      // The next message tries again.
      if (this.#link === recovering) {
        this.#link = Promise.resolve(lost);
      }
    });
    await recovering;
  }

  async #replace(lost: Link): Promise<Link> {
    lost.abandon();
    await this.#withdrawQuestions(lost);
    const { params } = this.#initialize as Request;
    let result: InitializeResult = {};
    const link = await this.#connect(async candidate => {
      const response = await this.#ask(candidate, { method: 'initialize', ...(params && { params }) });
      result = (response.result ?? {}) as InitializeResult;
      if (result.protocolVersion !== this.#protocolVersion) {
        throw new ExchangeError(
          `The server came back with protocol revision ${result.protocolVersion ?? 'none'} instead of ${this.#protocolVersion}: restart the client`,
        );
      }
      candidate.protocolVersion = this.#protocolVersion;
    });
    if (this.#isInitialized) {
      await link.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
      link.listen();
      for (const { method, params } of [...(this.#logLevel ? [this.#logLevel] : []), ...this.#subscriptions.values()]) {
        await this.#ask(link, { method, ...(params && { params }) });
      }
      await this.#tellOfChanges(result);
    }
    this.#note('The server had lost the session; it has been opened again');
    return link;
  }

  /** The server may have come back with other things than before. */
  async #tellOfChanges({ capabilities }: InitializeResult): Promise<void> {
    for (const kind of ['tools', 'prompts', 'resources']) {
      if (capabilities?.[kind]?.listChanged) {
        await this.#deliver({ jsonrpc: '2.0', method: `notifications/${kind}/list_changed` });
      }
    }
  }

  async #withdrawQuestions(lost: Link): Promise<void> {
    for (const [requestId, link] of this.#asked) {
      if (link === lost) {
        this.#asked.delete(requestId);
        await this.#deliver({
          jsonrpc: '2.0',
          method: 'notifications/cancelled',
          params: { requestId, reason: 'The connection to the server was lost' },
        });
      }
    }
  }

  /** A request of the bridge itself. */
  async #ask(link: Link, { method, params }: Pick<Request, 'method' | 'params'>): Promise<Response> {
    this.#ownIds += 1;
    const id = `${OWN_ID_PREFIX}${this.#ownIds}`;
    let answer: Response | undefined;
    this.#ownAnswers.set(id, response => {
      answer = response;
    });
    try {
      await link.send({ jsonrpc: '2.0', id, method, ...(params && { params }) });
    } finally {
      this.#ownAnswers.delete(id);
    }
    if (!answer || answer.error) {
      throw new ExchangeError(`The server refused ${method}: ${answer?.error?.message ?? 'no answer came'}`);
    }
    return answer;
  }

  async #receive(message: Message, link: Link): Promise<void> {
    if (isResponse(message)) {
      const own = this.#ownAnswers.get(message.id as JsonRpcId);
      if (own) {
        own(message);
        return;
      }
      if (message.id === this.#initialize?.id && !this.#isInitialized) {
        this.#protocolVersion = (message.result as InitializeResult | undefined)?.protocolVersion;
        link.protocolVersion = this.#protocolVersion;
      }
    } else if (isRequest(message)) {
      this.#asked.set(message.id, link);
    } else if (isNotification(message) && message.method === 'notifications/cancelled') {
      this.#asked.delete(message.params?.requestId as JsonRpcId);
    }
    await this.#deliver(message);
  }

  #remember(request: Request): void {
    const uri = String(request.params?.uri);
    if (request.method === 'logging/setLevel') {
      this.#logLevel = request;
    } else if (request.method === 'resources/unsubscribe') {
      this.#subscriptions.delete(uri);
    } else if (request.method === 'resources/subscribe' && this.#subscriptions.size < MAX_SUBSCRIPTIONS) {
      this.#subscriptions.set(uri, request);
    }
  }
}
