import type { CallToolResult, Server } from '@modelcontextprotocol/server';
import { answerCall } from './answerCall.js';
import { callTool } from './callTool.js';
import { guarded } from './guarded.js';
import { listTools } from './listTools.js';
import type { PublishedServer } from './PublishedServer.js';
import { fromAuthInfo } from './RequestContext.js';

/** Has one connection answer `tools/list` and `tools/call` (MCP 2025-11-25, server/tools). */
export function handleTools(server: PublishedServer, protocol: Server): void {
  const { logger } = server.services;
  protocol.setRequestHandler('tools/list', ({ params }, ctx) =>
    guarded(logger, 'tools/list', () => listTools(server, params ?? {}, fromAuthInfo(ctx.http?.authInfo))),
  );
  protocol.setRequestHandler('tools/call', ({ params }, ctx) =>
    guarded(logger, 'tools/call', async () => {
      const context = fromAuthInfo(ctx.http?.authInfo);
      const result = await answerCall({
        server,
        protocol,
        ctx,
        params,
        attempt: client => callTool(server, params, context, client),
      });
      // The 2025 era has objects only as structured content.
      return 'content' in result ? protocol.projectCallToolResult(result as CallToolResult, undefined) : result;
    }),
  );
}
