import type { LoggerService } from '@backstage/backend-plugin-api';
import { describeError } from '@callboard/actions';
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';

/**
 * Answers a request of `method`. What goes wrong unexpectedly is for the log: the SDK would send the
 * message of any error to the client.
 */
export async function guarded<T>(logger: LoggerService, method: string, handle: () => Promise<T>): Promise<T> {
  try {
    return await handle();
  } catch (error) {
    if (error instanceof ProtocolError) {
      throw error;
    }
    const requestId = crypto.randomUUID();
    logger.error(`${method} failed, request id ${requestId}`, error as Error);
    const { message } = describeError(new Error(), { requestId, subject: method });
    throw new ProtocolError(ProtocolErrorCode.InternalError, message, { requestId });
  }
}
