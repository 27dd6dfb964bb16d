import { toError } from '@backstage/errors';
import type { ListToolsResult } from '@modelcontextprotocol/server';
import type { PublishedServer } from './PublishedServer.js';
import type { RequestContext } from './RequestContext.js';

/** Answers `tools/list`: what the caller may call, and nothing else. */
export async function listTools(server: PublishedServer, context: RequestContext): Promise<ListToolsResult> {
  const { auditor, telemetry } = server.services;
  const meta = { ...(server.config.key && { server: server.config.key }) };
  const operation = telemetry.startOperation({ method: 'tools/list', server: server.config.key });
  const event = await auditor.createEvent({ eventId: 'tool-discovery', request: context.request, meta });
  try {
    const tools = await server.tools.list(context.credentials, server.viewOf(context));
    await event.success({ meta: { toolCount: tools.length, durationMs: operation.end() } });
    return { tools };
  } catch (error) {
    await event.fail({ error: toError(error), meta: { durationMs: operation.end(toError(error).name) } });
    throw error;
  }
}
