import { printable } from '@callboard/actions';
import { principalName } from '@callboard/actions-api';
import {
  type CompleteRequestParams,
  type CompleteResult,
  ProtocolError,
  ProtocolErrorCode,
  type Server,
} from '@modelcontextprotocol/server';
import { observe } from '../lists/observe.js';
import { unknownPrompt } from '../prompts/getPrompt.js';
import { guarded } from '../protocol/guarded.js';
import { lookFor } from '../protocol/lookFor.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import { fromAuthInfo, type RequestContext } from '../protocol/RequestContext.js';
import { resourceNotFound } from '../resources/readResource.js';

/** MCP 2025-11-25, server/utilities/completion. */
const MAX_VALUES = 100;

/** Has one connection answer `completion/complete`. */
export function handleCompletion(server: PublishedServer, protocol: Server): void {
  protocol.setRequestHandler('completion/complete', ({ params }, ctx) =>
    guarded(server.services.logger, 'completion/complete', () => {
      const context = fromAuthInfo(ctx.http?.authInfo);
      const event = { method: 'completion/complete', eventId: 'completion' };
      return observe(server, context, { ...event, meta: { ref: printable(nameOf(params.ref)) } }, () =>
        complete(server, params, context, ctx.mcpReq.signal),
      );
    }),
  );
}

/** @throws ProtocolError `-32602` for what is unknown or not for this caller, and for an unknown argument. */
async function complete(
  server: PublishedServer,
  { ref, argument, context: filled }: CompleteRequestParams,
  context: RequestContext,
  signal: AbortSignal,
): Promise<{ result: CompleteResult; meta: { valueCount: number } }> {
  const { credentials } = context;
  server.completionRate.count(principalName(credentials));
  const found = await lookFor(server, context, {
    name: nameOf(ref),
    signal,
    ...(ref.type === 'ref/prompt'
      ? { find: () => server.prompts.find(ref.name, credentials), toUnknown: () => unknownPrompt(ref.name) }
      : {
          // What is at a fixed URI can be referred to as well, and has no arguments.
          find: async () =>
            (await server.resources.findTemplate(ref.uri, credentials)) ?? server.resources.find(ref.uri, context),
          toUnknown: () => resourceNotFound(ref.uri),
        }),
  });
  const { name, value } = argument;
  const isTemplate = ref.type === 'ref/prompt' || ref.uri.includes('{');
  const values = isTemplate
    ? await found.complete?.({ argument: name, value, given: filled?.arguments ?? {}, signal })
    : undefined;
  if (!values) {
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `"${printable(nameOf(ref))}" has no argument "${printable(name)}"`,
    );
  }
  return {
    result: {
      completion: {
        values: values.slice(0, MAX_VALUES),
        total: values.length,
        hasMore: values.length > MAX_VALUES,
      },
    },
    meta: { valueCount: values.length },
  };
}

function nameOf(ref: CompleteRequestParams['ref']): string {
  return ref.type === 'ref/prompt' ? ref.name : ref.uri;
}
