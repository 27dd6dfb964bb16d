import type { ListToolsResult } from '@modelcontextprotocol/server';
import { observe } from '../lists/observe.js';
import { paginate } from '../lists/paginate.js';
import type { PublishedServer } from './PublishedServer.js';
import type { RequestContext } from './RequestContext.js';

/**
 * Answers `tools/list`: what the caller may call, and nothing else; on a server with `discovery:
 * search`, the tools that find it.
 *
 * @throws ProtocolError `-32602` for a cursor that is none of ours.
 */
export function listTools(
  server: PublishedServer,
  { cursor }: { cursor?: string | undefined },
  context: RequestContext,
): Promise<ListToolsResult> {
  return observe(server, context, { method: 'tools/list', eventId: 'tool-discovery' }, async () => {
    const { listed } = await server.tools.list(context.credentials, server.viewOf(context));
    const { page, nextCursor } = paginate(listed, {
      cursor,
      pageSize: server.config.pageSize,
      keyOf: ({ name }) => name,
    });
    return { result: { tools: page, ...(nextCursor && { nextCursor }) }, meta: { toolCount: page.length } };
  });
}
