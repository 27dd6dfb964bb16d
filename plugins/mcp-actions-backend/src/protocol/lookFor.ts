import { describeError, Invocation, lookAt, type VisibleAction } from '@callboard/actions';
import type { ProtocolError } from '@modelcontextprotocol/server';
import type { PublishedServer } from './PublishedServer.js';
import type { CallerContext } from './RequestContext.js';
import { toProtocolError } from './toProtocolError.js';

/**
 * Finds what a caller may call, for requests that look at it without calling it.
 *
 * @throws ProtocolError what `toUnknown` returns for what does not exist, or not for this caller; else
 * what a call would be refused with.
 */
export async function lookFor(
  server: PublishedServer,
  { credentials, grant, profile }: CallerContext,
  options: {
    name: string;
    find: () => Promise<VisibleAction | undefined>;
    signal: AbortSignal;
    toUnknown: () => ProtocolError;
  },
): Promise<VisibleAction> {
  const { name, find, signal, toUnknown } = options;
  const call = new Invocation({
    name,
    find,
    input: undefined,
    credentials,
    door: 'mcp',
    signal,
    ...(server.config.key && { server: server.config.key }),
    ...(grant && { scopes: grant.scopes, clientId: grant.clientId }),
    ...(profile !== undefined && { profile }),
  });
  try {
    return await lookAt(call, server.services.policy);
  } catch (thrown) {
    const described = describeError(thrown, { requestId: call.requestId, subject: name });
    if (!described.expected) {
      throw thrown;
    }
    const isUnknown = !call.foundAction && described.name === 'NotFoundError';
    throw isUnknown ? toUnknown() : toProtocolError(described, thrown);
  }
}
