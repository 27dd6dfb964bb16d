import { printable } from '@callboard/actions';
import { ProtocolError, ProtocolErrorCode, type ReadResourceResult } from '@modelcontextprotocol/server';
import type { ClientSide } from '../protocol/ClientSide.js';
import { type CallQuestion, makeCall, quoted } from '../protocol/makeCall.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import type { RequestContext } from '../protocol/RequestContext.js';
import { toProtocolError } from '../protocol/toProtocolError.js';

/**
 * Makes one attempt at `resources/read`.
 *
 * @returns the contents; or the question that a person has to answer before the next attempt.
 * @throws ProtocolError `-32602` with the URI for what is not there or not for this caller, and for a
 * URI that the resource does not take; for other errors that are meant for the caller what
 * `toProtocolError` makes of them; `-32603` with a request id for an unexpected failure.
 */
export function readResource(
  server: PublishedServer,
  { uri }: { uri: string },
  context: RequestContext,
  client: ClientSide,
): Promise<ReadResourceResult | CallQuestion> {
  return makeCall<ReadResourceResult>(
    server,
    {
      method: 'resources/read',
      name: uri,
      subject: `Resource ${quoted(uri)}`,
      input: { uri },
      find: () => server.resources.find(uri, context),
      eventId: 'resource-read',
      meta: { resourceUri: printable(uri) },
      toResult: ({ output }) => output as ReadResourceResult,
      toFailure: (failure, thrown) => {
        throw failure.name === 'NotFoundError'
          ? resourceNotFound(uri, failure.message)
          : toProtocolError(failure, thrown);
      },
      toUnknown: () => resourceNotFound(uri),
    },
    context,
    client,
  );
}

/** Nothing is at a longer one, which would only fill answers and audit events. */
const MAX_URI_CHARACTERS = 2_048;

/**
 * `-32602` with the URI and nothing else, by which clients of both eras know it. (The SDK sends no
 * `-32002`, which MCP 2025-11-25 has for it.)
 */
export function resourceNotFound(uri: string, message = `Resource not found: ${printable(uri)}`): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message, { uri: uri.slice(0, MAX_URI_CHARACTERS) });
}
