import type { Server } from '@modelcontextprotocol/server';
import type { ApprovalStates } from './ApprovalStates.js';
import { answerCall } from './answerCall.js';
import { callTool } from './callTool.js';
import { guarded } from './guarded.js';
import { listTools } from './listTools.js';
import type { PublishedServer } from './PublishedServer.js';
import { fromAuthInfo } from './RequestContext.js';

/** Has one connection answer `tools/list` and `tools/call` (MCP 2025-11-25, server/tools). */
export function handleTools(server: PublishedServer, protocol: Server, states: ApprovalStates): void {
  const { logger } = server.services;
  protocol.setRequestHandler('tools/list', (_request, ctx) =>
    guarded(logger, 'tools/list', () => listTools(server, fromAuthInfo(ctx.http?.authInfo))),
  );
  protocol.setRequestHandler('tools/call', ({ params }, ctx) =>
    guarded(logger, 'tools/call', () => {
      const context = fromAuthInfo(ctx.http?.authInfo);
      return answerCall({
        protocol,
        ctx,
        states,
        attempt: client => callTool(server, params, context, client),
      });
    }),
  );
}
