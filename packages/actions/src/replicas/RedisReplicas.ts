import { setTimeout as delay } from 'node:timers/promises';
import type { LoggerService } from '@backstage/backend-plugin-api';
import { ServiceUnavailableError, toError } from '@backstage/errors';
import type { JsonValue } from '@backstage/types';
import { unlessAborted } from '../unlessAborted.js';
import { IncomingAsks } from './IncomingAsks.js';
import { Liveness } from './Liveness.js';
import { MessageSeal, newReplicaId } from './MessageSeal.js';
import { MAX_MESSAGE_BYTES, type Message, writeMessage } from './messages.js';
import { OutgoingAsks } from './OutgoingAsks.js';
import { RedisMembership, type ReplicaTiming, usualTiming } from './RedisMembership.js';
import type { Asked, Replicas, SharedRedis } from './Replicas.js';

/** Beside the text: who sent it, count and tag. */
const SEAL_BYTES = 64;
const NOTICE_MS = 60_000;

/**
 * The processes of one deployment, through Redis: a channel for each, on which the others reach it.
 * All that goes through a channel is sealed for it, counted, and taken once.
 */
export class RedisReplicas implements Replicas {
  readonly id = newReplicaId();
  readonly redis: SharedRedis;
  readonly #getKey: () => Promise<Uint8Array>;
  readonly #logger: LoggerService;
  readonly #timing: ReplicaTiming;
  readonly #membership: RedisMembership;
  readonly #liveness: Liveness;
  readonly #outgoing: OutgoingAsks;
  readonly #incoming: IncomingAsks;
  readonly #noticeListeners = new Map<string, Set<(payload: JsonValue, from: string) => void>>();
  readonly #returnListeners = new Set<(state: { isEmptied: boolean }) => void>();
  /** Of each replica, the count of what was taken from it last: nothing is taken twice. */
  readonly #taken = new Map<string, bigint>();
  readonly #sealed: Promise<MessageSeal>;
  readonly #stopped = new AbortController();
  #giveSeal!: (seal: MessageSeal) => void;
  #seal: MessageSeal | undefined;
  #noticedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: {
    /** `redis:` or `rediss:`, with the password if there is one. */
    url: string;
    /** Of all keys and channels. */
    prefix: string;
    /** The key that all replicas of the deployment share, and Redis does not have; asked for by `join`. */
    getKey: () => Promise<Uint8Array>;
    logger: LoggerService;
    timing?: Partial<ReplicaTiming>;
  }) {
    const { url, prefix, getKey, logger } = options;
    const timing = { ...usualTiming, ...options.timing };
    this.#getKey = getKey;
    this.#logger = logger;
    this.#timing = timing;
    this.#sealed = new Promise(resolve => {
      this.#giveSeal = resolve;
    });
    this.#membership = new RedisMembership({
      id: this.id,
      url,
      prefix,
      logger,
      timing,
      onMessage: message => this.#receive(message),
      onReturn: state => this.#goOn(state),
      onLongAbsence: () => this.#outgoing.failAll(cutOffError()),
    });
    this.#liveness = new Liveness({
      intervalMs: timing.heartbeatMs,
      findPresent: ids => this.#membership.findPresent(ids),
    });
    const send = (to: string, message: string) => this.#send(to, message);
    this.#outgoing = new OutgoingAsks({
      send,
      isComing: (to, attempt) => this.#membership.isComing(to, attempt),
      liveness: this.#liveness,
    });
    this.#incoming = new IncomingAsks({ send, liveness: this.#liveness, logger });
    this.redis = this.#createSharedRedis();
  }

  /** @throws Error that names Redis by host and port, if it cannot be reached in several attempts. */
  open(): Promise<void> {
    return this.#membership.open();
  }

  /** Lets the others reach this process, as soon as the common key is known; ends when that is so. */
  async join(): Promise<void> {
    const key = await this.#waitForKey();
    if (!key) {
      return;
    }
    this.#seal = new MessageSeal({ id: this.id, key });
    this.#giveSeal(this.#seal);
    await this.#membership.join();
  }

  /** Leaves: others know at once that this one is gone. */
  async close(): Promise<void> {
    this.#stopped.abort();
    this.#liveness.stop();
    this.#incoming.stop();
    this.#outgoing.failAll(new ServiceUnavailableError('This replica of the server stops; try again'));
    await this.#membership.close();
  }

  async broadcast(topic: string, payload: JsonValue): Promise<number> {
    const message = writeMessage({ kind: 'notice', topic, payload });
    const others = await this.#membership.findOthers();
    const heard = await Promise.all(others.map(id => this.#send(id, message)));
    return heard.filter(count => count > 0).length;
  }

  onBroadcast(topic: string, listener: (payload: JsonValue, from: string) => void): () => void {
    const listeners = this.#noticeListeners.get(topic) ?? new Set();
    this.#noticeListeners.set(topic, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  answer(topic: string, handler: (payload: JsonValue, asked: Asked) => Promise<JsonValue>): () => void {
    return this.#incoming.answer(topic, handler);
  }

  ask(
    replicaId: string,
    topic: string,
    payload: JsonValue,
    options: { timeoutMs: number; signal?: AbortSignal; onTold?: (payload: JsonValue) => void },
  ): Promise<JsonValue> {
    return this.#outgoing.ask(replicaId, topic, payload, options);
  }

  async askOthers(topic: string, payload: JsonValue, options: { timeoutMs: number }): Promise<JsonValue[]> {
    const others = await this.#membership.findOthers();
    const answers = await Promise.allSettled(others.map(id => this.#outgoing.ask(id, topic, payload, options)));
    return answers.flatMap(answer => (answer.status === 'fulfilled' ? [answer.value] : []));
  }

  #createSharedRedis(): SharedRedis {
    const membership = this.#membership;
    return {
      get isReady() {
        return membership.isReady;
      },
      command: parts => membership.send(parts),
      key: (...parts) => membership.keyOf(...parts),
      seal: async (text, place) => (await this.#getSeal()).seal(text, `kept ${place}`).toString('base64url'),
      unseal: async (sealed, place) =>
        (await this.#getSeal()).unseal(Buffer.from(sealed, 'base64url'), `kept ${place}`)?.text,
      onReturn: listener => {
        this.#returnListeners.add(listener);
        return () => void this.#returnListeners.delete(listener);
      },
    };
  }

  /** @returns undefined if this process stops before. */
  async #waitForKey(): Promise<Uint8Array | undefined> {
    let isLogged = false;
    while (!this.#stopped.signal.aborted) {
      try {
        return await this.#getKey();
      } catch (error) {
        if (!isLogged) {
          isLogged = true;
          this.#logger.error(
            'The key that replicas share is not to be had, so they cannot reach this one; it is tried again',
            toError(error),
          );
        }
        await delay(this.#timing.heartbeatMs, undefined, { signal: this.#stopped.signal }).catch(() => {});
      }
    }
    return undefined;
  }

  async #getSeal(): Promise<MessageSeal> {
    if (this.#seal) {
      return this.#seal;
    }
    try {
      return await unlessAborted(this.#sealed, AbortSignal.timeout(this.#timing.commandTimeoutMs));
    } catch {
      // Whatever keeps it from joining is in the log.
      throw new ServiceUnavailableError('This replica of the server has not joined the others yet; try again later');
    }
  }

  /** @returns how many have it, which is 1 or 0. */
  async #send(to: string, message: string): Promise<number> {
    const seal = this.#seal ?? (await this.#getSeal());
    const channel = this.#membership.channelOf(to);
    // Sealed and sent at once, so that counts arrive in their order.
    return Number(await this.#membership.send(['PUBLISH', channel, seal.seal(message, channel)]));
  }

  #receive(sealed: Buffer): void {
    const unsealed =
      sealed.length <= MAX_MESSAGE_BYTES + SEAL_BYTES
        ? this.#seal?.unseal(sealed, this.#membership.channelOf(this.id))
        : undefined;
    if (!unsealed) {
      this.#noteForeign();
      return;
    }
    const { from, count, text } = unsealed;
    if (count <= (this.#taken.get(from) ?? 0n)) {
      // It comes a second time: through Redis, from somebody who cannot make one.
      this.#noteForeign();
      return;
    }
    this.#taken.set(from, count);
    this.#attempt(() => this.#take(from, JSON.parse(text) as Message), `A message of replica ${from}`);
  }

  #take(from: string, message: Message): void {
    switch (message.kind) {
      case 'notice':
        for (const listener of this.#noticeListeners.get(message.topic) ?? []) {
          this.#attempt(() => listener(message.payload, from), `What replica ${from} told ("${message.topic}")`);
        }
        break;
      case 'ask':
        this.#incoming.receive(from, message);
        break;
      case 'done':
        this.#incoming.forget(from, message.ask);
        break;
      case 'told':
      case 'answer':
      case 'error':
        this.#outgoing.receive(from, message);
        break;
      default:
      // Of a later version, which has to bear that.
    }
  }

  #goOn(state: { isEmptied: boolean }): void {
    for (const listener of this.#returnListeners) {
      this.#attempt(() => listener(state), 'What has to be done when Redis is back');
    }
    this.#outgoing.repeat();
    this.#incoming.repeat();
  }

  /** Nobody is kept from hearing by somebody else who fails. */
  #attempt(listen: () => void, subject: string): void {
    try {
      listen();
    } catch (error) {
      this.#logger.error(`${subject} could not be dealt with`, toError(error));
    }
  }

  #noteForeign(): void {
    const nowMs = performance.now();
    if (nowMs - this.#noticedAtMs >= NOTICE_MS) {
      this.#noticedAtMs = nowMs;
      this.#logger.warn(
        'Something came through Redis that no replica of this deployment has sent, and is ignored: other deployments need another backend.actions.replicas.prefix, and replicas of one the same secret or database',
      );
    }
  }
}

function cutOffError(): ServiceUnavailableError {
  return new ServiceUnavailableError(
    'The replicas of this server do not reach each other at the moment; try again later',
  );
}
