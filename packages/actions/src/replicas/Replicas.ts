import { createServiceRef } from '@backstage/backend-plugin-api';
import type { JsonValue } from '@backstage/types';

/** A request of another replica that is being answered here. */
export interface Asked {
  /** Of the replica that asks. */
  readonly from: string;
  /** Aborted when it does not wait for the answer any more, or is gone. */
  readonly signal: AbortSignal;
  /** Tells it something before the answer, such as progress; in order, and not after the answer. */
  tell(payload: JsonValue): void;
}

/** One Redis of the deployment; undefined where a process is on its own. */
export interface SharedRedis {
  /** Whether Redis is there, and this process is heard by others. */
  readonly isReady: boolean;
  /**
   * Sends one command, such as `['GET', key]`. Commands that are sent without waiting go out together,
   * and in their order.
   *
   * @returns text, a number, null, or a list of those, as RESP2 has it.
   * @throws ServiceUnavailableError while Redis is not there, or does not answer in time; the command
   * may have run in the latter case.
   * @throws Error with what Redis has against the command.
   */
  command(parts: readonly string[]): Promise<unknown>;
  /** A key of this deployment: `<prefix>:<parts…>`. */
  key(...parts: string[]): string;
  /**
   * Encrypts text that is to be in Redis, so that who reads there does not learn it, and who writes
   * there cannot make one.
   *
   * @param place - such as the key that it is kept under; it can be opened only as from there.
   */
  seal(text: string, place: string): Promise<string>;
  /** @returns undefined for what no replica of this deployment has sealed for this place. */
  unseal(sealed: string, place: string): Promise<string | undefined>;
  /** Told when Redis is there again after it was not; `isEmptied` if it has lost what was in it. */
  onReturn(listener: (state: { isEmptied: boolean }) => void): () => void;
}

/**
 * The processes that serve one deployment, and what goes between them. What has to wait in the memory
 * of one of them (a handler that asked its client something, a secret that was entered) is reached
 * there by `ask`; what any of them must be able to go on with is in `redis`, or in the database.
 *
 * Nothing is kept for replicas that are not there: what is told while one of them is cut off from
 * Redis, it does not hear. What goes between replicas is sealed (see docs/replicas.md) and has
 * `MAX_MESSAGE_BYTES` at most.
 */
export interface Replicas {
  /** Of this process, never used again: letters, digits, `-` and `_`. */
  readonly id: string;
  readonly redis: SharedRedis | undefined;
  /**
   * Tells all other replicas.
   *
   * @returns how many there are; 0 for a process on its own.
   * @throws ServiceUnavailableError while there is no connection.
   */
  broadcast(topic: string, payload: JsonValue): Promise<number>;
  /** @returns what ends the subscription. */
  onBroadcast(topic: string, listener: (payload: JsonValue, from: string) => void): () => void;
  /**
   * Answers what others ask under a topic. Errors of `@backstage/errors` arrive under their names,
   * those of the protocol with code and data; of others, the log here has the message.
   *
   * @throws Error if somebody answers this topic already.
   */
  answer(topic: string, handler: (payload: JsonValue, asked: Asked) => Promise<JsonValue>): () => void;
  /**
   * @throws NotFoundError if there is no such replica, or not any more, or if it does not answer the
   * topic. One that went away while it was asked may have done what it was asked for.
   * @throws ServiceUnavailableError without an answer in time, or without a connection, after which
   * the same holds.
   * @throws the signal's reason.
   */
  ask(
    replicaId: string,
    topic: string,
    payload: JsonValue,
    options: { timeoutMs: number; signal?: AbortSignal; onTold?: (payload: JsonValue) => void },
  ): Promise<JsonValue>;
  /**
   * Asks all others.
   *
   * @returns the answers of those that answered in time, without errors.
   * @throws ServiceUnavailableError without a connection.
   */
  askOthers(topic: string, payload: JsonValue, options: { timeoutMs: number }): Promise<JsonValue[]>;
}

export const replicasServiceRef = createServiceRef<Replicas>({ id: 'callboard.replicas', scope: 'root' });
