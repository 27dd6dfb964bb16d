import { toError } from '@backstage/errors';
import { unlessAborted } from '@callboard/actions';
import { ProtocolError } from '@modelcontextprotocol/server';
import { lookFor } from '../protocol/lookFor.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import type { CallerContext } from '../protocol/RequestContext.js';
import { resourceNotFound } from '../resources/readResource.js';

const TIMEOUT_MS = 10_000;

/** Whether a caller may read a resource at the moment; no if that cannot be found out. */
export async function mayRead(server: PublishedServer, uri: string, caller: CallerContext): Promise<boolean> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const looking = lookFor(server, caller, {
      name: uri,
      signal,
      find: () => server.resources.find(uri, caller),
      toUnknown: () => resourceNotFound(uri),
    });
    await unlessAborted(looking, signal);
    return true;
  } catch (error) {
    if (!(error instanceof ProtocolError)) {
      server.services.logger.error('Whether a client may be told of a resource could not be found out', toError(error));
    }
    return false;
  }
}
