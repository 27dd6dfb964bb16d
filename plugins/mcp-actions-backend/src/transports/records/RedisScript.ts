import { createHash } from 'node:crypto';
import type { SharedRedis } from '@callboard/actions';

/** A script that Redis runs as one step; it is sent once, and named by its hash from then on. */
export class RedisScript {
  readonly #text: string;
  readonly #hash: string;

  constructor(text: string) {
    this.#text = text;
    this.#hash = createHash('sha1').update(text).digest('hex');
  }

  /** @throws ServiceUnavailableError while Redis is not there. */
  async run(redis: SharedRedis, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...args.map(String)];
    try {
      return await redis.command(['EVALSHA', this.#hash, ...rest]);
    } catch (error) {
      if (!String((error as Error).message).startsWith('NOSCRIPT')) {
        throw error;
      }
      return redis.command(['EVAL', this.#text, ...rest]);
    }
  }
}
