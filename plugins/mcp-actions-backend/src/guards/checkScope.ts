import { CallAbort } from '@callboard/actions';
import { coversScope, scopeOf } from '@callboard/actions-api';
import type { CallToolRequestParams } from '@modelcontextprotocol/server';
import { calledTool } from '../discovery/calledTool.js';
import { callTool } from '../protocol/callTool.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import type { RequestContext } from '../protocol/RequestContext.js';
import { RefusedRequest } from './RefusedRequest.js';

/**
 * Lets a client whose token is not enough for a tool call know so in HTTP, where it can ask for more
 * (MCP 2025-11-25, authorization, scope challenge handling). The invocation path holds the same rule
 * for calls that do not come alone.
 *
 * @param resourceMetadataUrl - asked for only to refuse.
 * @throws RefusedRequest 403 with `insufficient_scope` and all scopes that the call needs.
 */
export async function checkScope(
  body: unknown,
  server: PublishedServer,
  context: RequestContext,
  resourceMetadataUrl: () => Promise<string | undefined>,
): Promise<void> {
  const { credentials, grant } = context;
  const { method, params } = (body ?? {}) as { method?: unknown; params?: { name?: unknown; arguments?: unknown } };
  if (!grant || method !== 'tools/call') {
    return;
  }
  const { name, problem } = calledTool(server, { name: String(params?.name), arguments: params?.arguments });
  if (problem) {
    return;
  }
  // Whoever may not see the tool is not to learn from this answer that there is one.
  const action = (await server.tools.find(name, credentials))?.descriptor;
  if (!action || !server.viewOf(context).isListed(action) || coversScope(grant.scopes, scopeOf(action))) {
    return;
  }
  // The path refuses the call for the same reason, and records that as it records every refusal.
  await callTool(server, params as CallToolRequestParams, context, { signal: new CallAbort() });
  // Clients replace their scopes by these, so what is granted already is among them.
  const scopes = [...new Set([...grant.scopes, scopeOf(action)])].join(' ');
  const metadataUrl = await resourceMetadataUrl();
  const parameters = [
    'error="insufficient_scope"',
    `scope="${scopes}"`,
    ...(metadataUrl ? [`resource_metadata="${metadataUrl}"`] : []),
    `error_description="The tool needs ${scopeOf(action)}"`,
  ];
  throw new RefusedRequest(403, `The tool needs the scope ${scopeOf(action)}`, {
    headers: { 'WWW-Authenticate': `Bearer ${parameters.join(', ')}` },
    isSuspicious: false,
  });
}
