import type { LoggerService } from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import type { CallSignal } from '@callboard/actions';
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';

/**
 * Answers a request of `method`. What goes wrong after its client has left, while a person was asked,
 * is no failure of the server's, and nobody hears the answer.
 */
export async function unlessCancelled<T>(
  { signal, logger, method }: { signal: CallSignal; logger: LoggerService; method: string },
  handle: () => Promise<T>,
): Promise<T> {
  try {
    return await handle();
  } catch (error) {
    if (signal.aborted && !(error instanceof ProtocolError)) {
      logger.debug(`${method} was cancelled`, toError(error));
      throw new ProtocolError(ProtocolErrorCode.InternalError, 'The request was cancelled');
    }
    throw error;
  }
}
