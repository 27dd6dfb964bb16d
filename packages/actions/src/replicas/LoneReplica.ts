import { NotFoundError } from '@backstage/errors';
import type { JsonValue } from '@backstage/types';
import { newReplicaId } from './MessageSeal.js';
import type { Replicas } from './Replicas.js';

/** A process on its own: there is nobody to tell, and nothing comes from elsewhere. */
export class LoneReplica implements Replicas {
  readonly id = newReplicaId();
  readonly redis = undefined;
  readonly #answered = new Set<string>();

  async broadcast(): Promise<number> {
    return 0;
  }

  onBroadcast(): () => void {
    return () => {};
  }

  answer(topic: string): () => void {
    if (this.#answered.has(topic)) {
      throw new Error(`Requests of other replicas under "${topic}" are answered already`);
    }
    this.#answered.add(topic);
    return () => void this.#answered.delete(topic);
  }

  async ask(replicaId: string): Promise<JsonValue> {
    throw new NotFoundError(`There is no replica ${JSON.stringify(replicaId)}`);
  }

  async askOthers(): Promise<JsonValue[]> {
    return [];
  }
}
