import { printable } from '@callboard/actions';
import type { Server } from '@modelcontextprotocol/server';
import { observe } from '../lists/observe.js';
import { answerCall } from '../protocol/answerCall.js';
import { guarded } from '../protocol/guarded.js';
import { lookFor } from '../protocol/lookFor.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import { fromAuthInfo } from '../protocol/RequestContext.js';
import { listResources, listResourceTemplates } from './listResources.js';
import { readResource, resourceNotFound } from './readResource.js';

/** Has one connection answer `resources/*` (MCP 2025-11-25, server/resources). */
export function handleResources(server: PublishedServer, protocol: Server): void {
  const { logger } = server.services;
  protocol.setRequestHandler('resources/list', ({ params }, ctx) =>
    guarded(logger, 'resources/list', () =>
      listResources(server, params ?? {}, fromAuthInfo(ctx.http?.authInfo), ctx.mcpReq.signal),
    ),
  );
  protocol.setRequestHandler('resources/templates/list', ({ params }, ctx) =>
    guarded(logger, 'resources/templates/list', () =>
      listResourceTemplates(server, params ?? {}, fromAuthInfo(ctx.http?.authInfo)),
    ),
  );
  protocol.setRequestHandler('resources/read', ({ params }, ctx) =>
    guarded(logger, 'resources/read', () => {
      const context = fromAuthInfo(ctx.http?.authInfo);
      return answerCall({
        server,
        protocol,
        ctx,
        params,
        attempt: client => readResource(server, params, context, client),
      });
    }),
  );
  protocol.setRequestHandler('resources/subscribe', ({ params: { uri } }, ctx) =>
    guarded(logger, 'resources/subscribe', () => {
      const context = fromAuthInfo(ctx.http?.authInfo);
      const event = { method: 'resources/subscribe', eventId: 'resource-subscription' };
      return observe(server, context, { ...event, meta: { resourceUri: printable(uri) } }, async () => {
        await lookFor(server, context, {
          name: uri,
          signal: ctx.mcpReq.signal,
          find: () => server.resources.find(uri, context),
          toUnknown: () => resourceNotFound(uri),
        });
        await server.subscriptionsOf(protocol).add(uri);
        return { result: {} };
      });
    }),
  );
  protocol.setRequestHandler('resources/unsubscribe', ({ params: { uri } }) =>
    guarded(logger, 'resources/unsubscribe', async () => {
      await server.subscriptionsOf(protocol).remove(uri);
      return {};
    }),
  );
}
