import { createServiceRef } from '@backstage/backend-plugin-api';
import type { JsonValue } from '@backstage/types';

/** A request of another replica that is being answered here. */
export interface Asked {
  /** Of the replica that asks. */
  readonly from: string;
  /** Aborted when it does not wait for the answer any more. */
  readonly signal: AbortSignal;
  /** Tells it something before the answer, such as progress; in order, and not after the answer. */
  tell(payload: JsonValue): void;
}

/** One Redis of the deployment; undefined where a process is on its own. */
export interface SharedRedis {
  /** Sends one command, such as `['GET', key]`. @throws ServiceUnavailableError while Redis is not there. */
  command(parts: readonly string[]): Promise<unknown>;
  /** A key of this deployment: `<prefix>:<parts…>`. */
  key(...parts: string[]): string;
  /** Told when Redis is there again after it was not; `isEmptied` if it has lost what was in it. */
  onReturn(listener: (state: { isEmptied: boolean }) => void): () => void;
}

/**
 * The processes that serve one deployment, and what goes between them. What has to wait in the memory
 * of one of them (a handler that asked its client something, a secret that was entered) is reached
 * there by `ask`; what any of them must be able to go on with is in `redis`, or in the database.
 */
export interface Replicas {
  /** Of this process, never used again: letters, digits, `-` and `_`. */
  readonly id: string;
  readonly redis: SharedRedis | undefined;
  /**
   * Tells all other replicas.
   *
   * @returns how many heard it; 0 for a process on its own.
   * @throws ServiceUnavailableError while there is no connection.
   */
  broadcast(topic: string, payload: JsonValue): Promise<number>;
  /** @returns what ends the subscription. */
  onBroadcast(topic: string, listener: (payload: JsonValue, from: string) => void): () => void;
  /** Answers what others ask under a topic. Errors of `@backstage/errors` arrive under their names. */
  answer(topic: string, handler: (payload: JsonValue, asked: Asked) => Promise<JsonValue>): () => void;
  /**
   * @throws NotFoundError if there is no such replica, or not any more.
   * @throws ServiceUnavailableError without an answer in time, or without a connection.
   */
  ask(
    replicaId: string,
    topic: string,
    payload: JsonValue,
    options: { timeoutMs: number; signal?: AbortSignal; onTold?: (payload: JsonValue) => void },
  ): Promise<JsonValue>;
  /** Asks all others. @returns the answers of those that answered in time. */
  askOthers(topic: string, payload: JsonValue, options: { timeoutMs: number }): Promise<JsonValue[]>;
}

export const replicasServiceRef = createServiceRef<Replicas>({ id: 'callboard.replicas', scope: 'root' });
