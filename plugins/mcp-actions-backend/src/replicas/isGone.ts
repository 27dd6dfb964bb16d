import { toError } from '@backstage/errors';

/** Whether a request to a replica failed because that one is not there any more, or about to stop. */
export function isGone(error: unknown): boolean {
  return ['NotFoundError', 'NotImplementedError'].includes(toError(error).name);
}
