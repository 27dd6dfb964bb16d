import { toError } from '@backstage/errors';
import type { JsonObject } from '@backstage/types';
import { asExpressRequest } from '../HttpRequest.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import type { RequestContext } from '../protocol/RequestContext.js';

/**
 * Answers a request that is no call, such as a list, under an audit event and with its duration.
 *
 * @param options.meta - of the event; names that a client could make up are cut before.
 * @param answer - returns the result, and what the event says of it.
 */
export async function observe<T>(
  server: PublishedServer,
  { request }: RequestContext,
  options: { method: string; eventId: string; meta?: JsonObject },
  answer: () => Promise<{ result: T; meta?: JsonObject }>,
): Promise<T> {
  const { auditor, telemetry } = server.services;
  const { method, eventId } = options;
  const operation = telemetry.startOperation({ method, server: server.config.key });
  const event = await auditor.createEvent({
    eventId,
    request: asExpressRequest(request),
    meta: Object.assign({}, options.meta, server.config.key && { server: server.config.key }),
  });
  try {
    const { result, meta } = await answer();
    await event.success({ meta: { durationMs: operation.end(), ...meta } });
    return result;
  } catch (thrown) {
    const error = toError(thrown);
    await event.fail({ error, meta: { durationMs: operation.end(error.name) } });
    throw thrown;
  }
}
