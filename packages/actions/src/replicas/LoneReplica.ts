import { randomBytes } from 'node:crypto';
import { NotFoundError } from '@backstage/errors';
import type { JsonValue } from '@backstage/types';
import type { Replicas } from './Replicas.js';

/** A process on its own: there is nobody to tell, and nothing comes from elsewhere. */
export class LoneReplica implements Replicas {
  readonly id = randomBytes(9).toString('base64url');
  readonly redis = undefined;

  async broadcast(): Promise<number> {
    return 0;
  }

  onBroadcast(): () => void {
    return () => {};
  }

  answer(): () => void {
    return () => {};
  }

  async ask(replicaId: string): Promise<JsonValue> {
    throw new NotFoundError(`There is no replica ${JSON.stringify(replicaId)}`);
  }

  async askOthers(): Promise<JsonValue[]> {
    return [];
  }
}
