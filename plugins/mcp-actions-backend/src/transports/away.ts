import { toError } from '@backstage/errors';
import { RefusedRequest } from '../guards/RefusedRequest.js';

/** Not 404, upon which clients would give their session up. */
export function away(message: string): RefusedRequest {
  return new RefusedRequest(503, message, { headers: { 'Retry-After': '1' } });
}

/** @throws RefusedRequest 503 where something that is needed cannot be reached at the moment. */
export async function orAway<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { name, message } = toError(error);
    throw name === 'ServiceUnavailableError' ? away(message) : error;
  }
}
