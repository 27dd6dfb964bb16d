import type { ListPromptsResult } from '@modelcontextprotocol/server';
import { observe } from '../lists/observe.js';
import { paginate } from '../lists/paginate.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import type { RequestContext } from '../protocol/RequestContext.js';

/** Answers `prompts/list`: what the caller may get, and nothing else. */
export function listPrompts(
  server: PublishedServer,
  { cursor }: { cursor?: string },
  context: RequestContext,
): Promise<ListPromptsResult> {
  return observe(server, context, { method: 'prompts/list', eventId: 'prompt-discovery' }, async () => {
    const prompts = await server.prompts.list(context.credentials, server.viewOf(context));
    const { page, nextCursor } = paginate(prompts, {
      cursor,
      pageSize: server.config.pageSize,
      keyOf: ({ name }) => name,
    });
    return { result: { prompts: page, ...(nextCursor && { nextCursor }) }, meta: { promptCount: page.length } };
  });
}
