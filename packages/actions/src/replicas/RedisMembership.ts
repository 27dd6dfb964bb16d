import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { LoggerService } from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import { type LinkTiming, RedisLink } from './RedisLink.js';
import { addressOf, withoutPassword } from './redisUrl.js';

const OPEN_ATTEMPTS = 6;
/** For a replica that says that it is there and is not heard. */
const MAX_ATTEMPTS = 10;

/** How long things take between replicas. */
export interface ReplicaTiming extends LinkTiming {
  /** How often a replica says that it is there, and that others are looked after. */
  readonly heartbeatMs: number;
  /** After so long without saying so, it counts as gone. */
  readonly lifetimeMs: number;
  /** Requests that are under way outlast an absence of Redis that is shorter. */
  readonly patienceMs: number;
}

export const usualTiming: ReplicaTiming = {
  connectTimeoutMs: 3_000,
  commandTimeoutMs: 3_000,
  firstRetryMs: 100,
  maxRetryMs: 2_000,
  heartbeatMs: 1_000,
  lifetimeMs: 5_000,
  patienceMs: 10_000,
};

/**
 * The place of one replica in Redis: a channel on which it is reached, a key that says that it is there,
 * and what it knows of the others. Tells when Redis goes away, and when it is back.
 */
export class RedisMembership {
  readonly #id: string;
  readonly #url: string;
  readonly #prefix: string;
  readonly #logger: LoggerService;
  readonly #timing: ReplicaTiming;
  readonly #onReturn: (state: { isEmptied: boolean }) => void;
  readonly #onLongAbsence: () => void;
  readonly #commands: RedisLink;
  readonly #subscriber: RedisLink;
  #heartbeat: NodeJS.Timeout | undefined;
  #patience: NodeJS.Timeout | undefined;
  #marker: string | undefined;
  #hasJoined = false;
  #isStopped = false;
  #awaySinceMs: number | undefined;
  #returnedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: {
    id: string;
    url: string;
    prefix: string;
    logger: LoggerService;
    timing: ReplicaTiming;
    onMessage: (message: Buffer) => void;
    onReturn: (state: { isEmptied: boolean }) => void;
    /** Told when Redis is away for longer than `patienceMs`. */
    onLongAbsence: () => void;
  }) {
    const { id, url, prefix, timing, onMessage } = options;
    this.#id = id;
    this.#url = url;
    this.#prefix = prefix;
    this.#logger = options.logger;
    this.#timing = timing;
    this.#onReturn = options.onReturn;
    this.#onLongAbsence = options.onLongAbsence;
    const link = {
      url,
      name: `${prefix}-${id}`,
      timing,
      onUp: () => void this.#noteUp(),
      onDown: (reason: Error) => this.#noteDown(reason),
    };
    this.#commands = new RedisLink(link);
    this.#subscriber = new RedisLink({
      ...link,
      prepare: async client => {
        await client.subscribe(this.channelOf(id), onMessage, true);
      },
    });
  }

  get isReady(): boolean {
    return this.#commands.isUp && this.#subscriber.isUp;
  }

  /** @throws Error that names Redis by host and port, if it cannot be reached in several attempts. */
  async open(): Promise<void> {
    try {
      await this.#commands.open(OPEN_ATTEMPTS);
    } catch (error) {
      throw new Error(
        `Redis at ${addressOf(this.#url)} (backend.actions.replicas.redis) cannot be used: ${this.#describe(error)}; tried ${OPEN_ATTEMPTS} times`,
      );
    }
  }

  /** From now on, the others reach this one. */
  async join(): Promise<void> {
    this.#hasJoined = true;
    await this.#subscriber.open(Number.POSITIVE_INFINITY).catch(error => {
      if (!this.#isStopped) {
        throw error;
      }
    });
  }

  /** Leaves: the others know at once that this one is gone. */
  async close(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#patience);
    this.#subscriber.stop();
    // Without a connection it goes by itself.
    await this.#commands.send(['DEL', this.#heartbeatOf(this.#id)]).catch(() => {});
    this.#commands.stop();
  }

  /** @throws ServiceUnavailableError without a connection, or without an answer in time. */
  send(parts: readonly (string | Buffer)[]): Promise<unknown> {
    return this.#commands.send(parts);
  }

  /** The ids of all other replicas that can be reached. */
  async findOthers(): Promise<string[]> {
    const channels = (await this.#commands.send(['PUBSUB', 'CHANNELS', this.channelOf('*')])) as string[];
    const { length } = this.channelOf('');
    return channels.map(channel => channel.slice(length)).filter(id => id !== this.#id);
  }

  /** Those of them that are there. */
  async findPresent(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const [beats, subscribers] = (await Promise.all([
      this.#commands.send(['MGET', ...ids.map(id => this.#heartbeatOf(id))]),
      this.#commands.send(['PUBSUB', 'NUMSUB', ...ids.map(id => this.channelOf(id))]),
    ])) as [(string | null)[], (string | number)[]];
    const isPresent = (index: number) => beats[index] !== null && Number(subscribers[2 * index + 1]) > 0;
    return new Set(ids.filter((_id, index) => isPresent(index) || this.#othersMayReturn));
  }

  /** Waits a moment if a replica that cannot be reached may be back after it. */
  async isComing(id: string, attempt: number): Promise<boolean> {
    const isBeating = async () => (await this.#commands.send(['EXISTS', this.#heartbeatOf(id)])) === 1;
    const isComing = this.#othersMayReturn || (attempt < MAX_ATTEMPTS && (await isBeating()));
    if (isComing) {
      await delay(this.#timing.firstRetryMs);
    }
    return isComing;
  }

  keyOf(...parts: string[]): string {
    return [this.#prefix, ...parts].join(':');
  }

  channelOf(id: string): string {
    return this.keyOf('to', id);
  }

  #heartbeatOf(id: string): string {
    return this.keyOf('replica', id);
  }

  /** Shortly after Redis was away, nobody is gone who is not there yet. */
  get #othersMayReturn(): boolean {
    return performance.now() - this.#returnedAtMs < this.#timing.lifetimeMs;
  }

  get #isComplete(): boolean {
    return this.#commands.isUp && (this.#subscriber.isUp || !this.#hasJoined) && !this.#isStopped;
  }

  async #noteUp(): Promise<void> {
    if (!this.#isComplete) {
      return;
    }
    let marker: string;
    try {
      marker = await this.#readMarker();
      if (this.#hasJoined) {
        await this.#beat();
      }
    } catch (error) {
      this.#commands.renew(reasonOf(error));
      return;
    }
    if (!this.#isComplete) {
      // Away again; whatever comes next begins anew.
      return;
    }
    if (this.#hasJoined) {
      this.#heartbeat ??= setInterval(() => void this.#beat().catch(() => {}), this.#timing.heartbeatMs);
    }
    const isEmptied = this.#marker !== undefined && this.#marker !== marker;
    this.#marker = marker;
    if (this.#awaySinceMs !== undefined) {
      this.#noteReturn(isEmptied);
    }
  }

  #noteReturn(isEmptied: boolean): void {
    this.#returnedAtMs = performance.now();
    const seconds = ((this.#returnedAtMs - (this.#awaySinceMs ?? 0)) / 1000).toFixed(1);
    this.#awaySinceMs = undefined;
    clearTimeout(this.#patience);
    this.#logger.info(
      `Redis at ${addressOf(this.#url)} is back after ${seconds} seconds${isEmptied ? ', without what was in it' : ''}`,
    );
    this.#onReturn({ isEmptied });
  }

  #noteDown(reason: Error): void {
    if (this.#awaySinceMs !== undefined) {
      return;
    }
    this.#awaySinceMs = performance.now();
    this.#logger.warn(
      `Redis at ${addressOf(this.#url)} is away (${this.#describe(reason)}); it is tried again until it is back`,
    );
    this.#patience = setTimeout(this.#onLongAbsence, this.#timing.patienceMs);
    this.#patience.unref();
  }

  /** @returns what is as it was for as long as Redis loses nothing. */
  async #readMarker(): Promise<string> {
    const key = this.keyOf('marker');
    const [, marker] = await Promise.all([
      this.#commands.send(['SET', key, randomBytes(9).toString('base64url'), 'NX']),
      this.#commands.send(['GET', key]),
    ]);
    return String(marker);
  }

  /** Says that this process is there, which also shows whether Redis is. */
  async #beat(): Promise<void> {
    const { lifetimeMs } = this.#timing;
    // Without an answer, the link renews itself.
    const ping = this.#subscriber.send(['PING']).catch(() => {});
    try {
      await this.#commands.send(['SET', this.#heartbeatOf(this.#id), '1', 'PX', String(lifetimeMs)]);
    } catch (error) {
      // Such as a Redis that has become a read-only copy; without a connection, this does nothing.
      this.#commands.renew(reasonOf(error));
      throw error;
    } finally {
      await ping;
    }
  }

  #describe(error: unknown): string {
    return withoutPassword(toError(error).message, this.#url);
  }
}

/** Callers are told less than the log. */
function reasonOf(error: unknown): Error {
  const { cause } = toError(error);
  return cause instanceof Error ? cause : toError(error);
}
