import type { Server } from '@modelcontextprotocol/server';
import { answerCall } from '../protocol/answerCall.js';
import { guarded } from '../protocol/guarded.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import { fromAuthInfo } from '../protocol/RequestContext.js';
import { getPrompt } from './getPrompt.js';
import { listPrompts } from './listPrompts.js';

/** Has one connection answer `prompts/list` and `prompts/get` (MCP 2025-11-25, server/prompts). */
export function handlePrompts(server: PublishedServer, protocol: Server): void {
  const { logger } = server.services;
  protocol.setRequestHandler('prompts/list', ({ params }, ctx) =>
    guarded(logger, 'prompts/list', () => listPrompts(server, params ?? {}, fromAuthInfo(ctx.http?.authInfo))),
  );
  protocol.setRequestHandler('prompts/get', ({ params }, ctx) =>
    guarded(logger, 'prompts/get', () => {
      const context = fromAuthInfo(ctx.http?.authInfo);
      return answerCall({
        server,
        protocol,
        ctx,
        params,
        attempt: client => getPrompt(server, params, context, client),
      });
    }),
  );
}
