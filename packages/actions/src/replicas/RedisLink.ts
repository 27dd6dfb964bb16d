import { ServiceUnavailableError, toError } from '@backstage/errors';

type RedisLibrary = typeof import('@redis/client');

/** What is used of a client of the library, whose own type depends on the modules of its server. */
interface Client {
  connect(): Promise<unknown>;
  destroy(): void;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  sendCommand(parts: readonly (string | Buffer)[]): Promise<unknown>;
  subscribe(channel: string, listener: (message: Buffer) => void, asBuffers: true): Promise<unknown>;
}

/** How long things may take. */
export interface LinkTiming {
  readonly connectTimeoutMs: number;
  /** A command that takes longer ends the connection, because nothing after it would be answered either. */
  readonly commandTimeoutMs: number;
  /** Doubled with each failure. */
  readonly firstRetryMs: number;
  readonly maxRetryMs: number;
}

/**
 * One connection to Redis, made anew whenever it is lost. Commands are not kept for later: without a
 * connection they fail at once.
 */
export class RedisLink {
  readonly #url: string;
  readonly #name: string;
  readonly #timing: LinkTiming;
  readonly #prepare: (client: Client) => Promise<void>;
  readonly #onUp: () => void;
  readonly #onDown: (reason: Error) => void;
  #library: RedisLibrary | undefined;
  #client: Client | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #isStopped = false;

  constructor(options: {
    url: string;
    /** Shown by `CLIENT LIST`. */
    name: string;
    timing: LinkTiming;
    /** What a new connection needs before it is of use. */
    prepare?: (client: Client) => Promise<void>;
    onUp: () => void;
    onDown: (reason: Error) => void;
  }) {
    this.#url = options.url;
    this.#name = options.name;
    this.#timing = options.timing;
    this.#prepare = options.prepare ?? (async () => {});
    this.#onUp = options.onUp;
    this.#onDown = options.onDown;
  }

  get isUp(): boolean {
    return this.#client !== undefined;
  }

  /**
   * Connects, for the first time.
   *
   * @throws Error after so many attempts, with the reason of the last one.
   */
  async open(attempts: number): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#connect();
        return;
      } catch (error) {
        if (attempt >= attempts || this.#isStopped) {
          throw error;
        }
        await new Promise(resolve => setTimeout(resolve, this.#nextDelayMs()));
      }
    }
  }

  /** Connects as soon as that is possible. */
  openLater(): void {
    this.#connect().catch(() => this.#retryLater());
  }

  /** @throws ServiceUnavailableError without a connection, or without an answer in time. */
  async send(parts: readonly (string | Buffer)[]): Promise<unknown> {
    const client = this.#client;
    if (!client) {
      throw new ServiceUnavailableError(AWAY);
    }
    const { commandTimeoutMs } = this.#timing;
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new ServiceUnavailableError(AWAY));
        this.#lose(client, new Error(`no answer within ${commandTimeoutMs} ms`));
      }, commandTimeoutMs);
      timer.unref();
    });
    try {
      return await Promise.race([client.sendCommand(parts), tooLate]);
    } catch (error) {
      // A reply of Redis is about the command, unless it is about its own state; everything else is about the connection.
      if (this.#library && error instanceof this.#library.ErrorReply && !OWN_STATE.test(error.message)) {
        throw error;
      }
      throw new ServiceUnavailableError(AWAY, error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Gives a connection up that is of no use, and makes another one. */
  renew(reason: Error): void {
    if (this.#client) {
      this.#lose(this.#client, reason);
    }
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    this.#client?.destroy();
    this.#client = undefined;
  }

  async #connect(): Promise<void> {
    // Not before it is needed: most processes are on their own.
    this.#library ??= await import('@redis/client');
    const { connectTimeoutMs } = this.#timing;
    const client: Client = this.#library.createClient({
      url: this.#url,
      name: this.#name,
      RESP: 2,
      // What is lost, when it is tried again and what happens meanwhile is decided here.
      disableOfflineQueue: true,
      disableClientInfo: true,
      maintNotifications: 'disabled',
      commandOptions: { timeout: undefined },
      socket: { reconnectStrategy: false, connectTimeout: connectTimeoutMs },
    });
    let isUp = false;
    client.on('error', error => isUp && this.#lose(client, toError(error)));
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${connectTimeoutMs} ms`)), connectTimeoutMs);
    });
    try {
      await Promise.race([client.connect().then(() => this.#prepare(client)), tooLate]);
      if (this.#isStopped) {
        throw new Error('stopped');
      }
    } catch (error) {
      client.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    isUp = true;
    this.#client = client;
    this.#failures = 0;
    this.#onUp();
  }

  #lose(client: Client, reason: Error): void {
    if (this.#client !== client || this.#isStopped) {
      return;
    }
    this.#client = undefined;
    client.destroy();
    this.#onDown(reason);
    this.#retryLater();
  }

  #retryLater(): void {
    if (!this.#isStopped) {
      this.#retry = setTimeout(() => this.openLater(), this.#nextDelayMs());
    }
  }

  /** Spread, so that replicas do not come back all at once. */
  #nextDelayMs(): number {
    const { firstRetryMs, maxRetryMs } = this.#timing;
    this.#failures += 1;
    return Math.min(maxRetryMs, firstRetryMs * 2 ** (this.#failures - 1)) * (0.5 + Math.random() / 2);
  }
}

/** What Redis answers while it is a copy, starts, or has no room. */
const OWN_STATE = /^(READONLY|LOADING|MASTERDOWN|MISCONF|OOM)\b/;

/** Callers may be shown it. */
const AWAY = 'What the replicas of this server share is away at the moment; try again later';
