import { type ListToolsResult, SERVER_INFO_META_KEY } from '@modelcontextprotocol/server';
import { observe } from '../lists/observe.js';
import { paginate } from '../lists/paginate.js';
import type { ToolList } from '../tools/ToolList.js';
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
  return answerList(server, context, list => {
    const result = pageOf(server, list, cursor);
    return { answer: result, toolCount: result.tools.length };
  });
}

/** The same without a cursor, as the bytes of the result, which are made once per list and era. */
export function listToolsAsJson(
  server: PublishedServer,
  context: RequestContext,
  era: 'legacy' | 'modern',
): Promise<Buffer> {
  return answerList(server, context, list => {
    const { pageSize = Number.POSITIVE_INFINITY } = server.config;
    return {
      answer: list.json(era, () => ({
        ...pageOf(server, list, undefined),
        // MCP 2026-07-28, caching: what depends on the caller is private, and good for this moment.
        ...(era === 'modern' && modernFields(server)),
      })),
      toolCount: Math.min(list.listed.length, pageSize),
    };
  });
}

function answerList<T>(
  server: PublishedServer,
  context: RequestContext,
  answer: (list: ToolList) => { answer: T; toolCount: number },
): Promise<T> {
  return observe(server, context, { method: 'tools/list', eventId: 'tool-discovery' }, async () => {
    const list = await server.tools.list(context.credentials, server.viewOf(context));
    const { answer: result, toolCount } = answer(list);
    return { result, meta: { toolCount } };
  });
}

function modernFields({ info }: PublishedServer): object {
  return { resultType: 'complete', ttlMs: 0, cacheScope: 'private', _meta: { [SERVER_INFO_META_KEY]: info } };
}

function pageOf({ config }: PublishedServer, { listed }: ToolList, cursor: string | undefined): ListToolsResult {
  const { page, nextCursor } = paginate(listed, { cursor, pageSize: config.pageSize, keyOf: ({ name }) => name });
  return { tools: page, ...(nextCursor && { nextCursor }) };
}
