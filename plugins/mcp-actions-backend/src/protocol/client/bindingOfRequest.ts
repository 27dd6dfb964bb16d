import { createHash } from 'node:crypto';
import { principalKey } from '@callboard/actions';
import { canonicalJson } from '@callboard/actions-api';
import type { PublishedServer } from '../PublishedServer.js';
import type { RequestContext } from '../RequestContext.js';

/**
 * What the requests of one call have in common: who makes them through which client and server, the
 * method, and all parameters but the metadata.
 */
export function bindingOfRequest(options: {
  server: PublishedServer;
  context: RequestContext;
  method: string;
  params: object;
}): string {
  const { server, context, method, params } = options;
  const text = canonicalJson([
    server.config.key,
    principalKey(context.credentials),
    context.grant?.clientId,
    context.profile,
    method,
    { ...params, _meta: undefined },
  ]);
  return createHash('sha256').update(text).digest('hex');
}
