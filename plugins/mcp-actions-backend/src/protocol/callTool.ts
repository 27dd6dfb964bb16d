import {
  type ApprovalQuestion,
  ApprovalRequiredError,
  type DescribedError,
  type Invocation,
  printable,
} from '@callboard/actions';
import {
  type CallToolRequestParams,
  type CallToolResult,
  ProtocolError,
  ProtocolErrorCode,
} from '@modelcontextprotocol/server';
import type { ClientSide } from './ClientSide.js';
import { makeCall, quoted } from './makeCall.js';
import type { PublishedServer } from './PublishedServer.js';
import type { RequestContext } from './RequestContext.js';

/**
 * Makes one attempt at `tools/call`.
 *
 * @returns the output as text and as structure; a result with `isError` for a failure that is
 * meant for the caller, so that the model can react to it; or the question that a person has to
 * answer before the next attempt.
 * @throws ProtocolError `-32602` for a tool that the caller cannot see (MCP 2025-11-25,
 * server/tools, error handling), `-32603` with a request id for an unexpected failure.
 */
export function callTool(
  server: PublishedServer,
  { name, arguments: input = {} }: CallToolRequestParams,
  context: RequestContext,
  client: ClientSide,
): Promise<CallToolResult | ApprovalQuestion> {
  return makeCall<CallToolResult>(
    server,
    {
      method: 'tools/call',
      name,
      subject: `Tool ${quoted(name)}`,
      input,
      find: () => server.tools.find(name, context.credentials),
      eventId: 'tool-execution',
      meta: { toolName: name },
      toResult,
      toFailure,
      toUnknown: () => new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${printable(name)}`),
    },
    context,
    client,
  );
}

function toResult({ output, content }: Invocation): CallToolResult {
  const isObject = typeof output === 'object' && output !== null && !Array.isArray(output);
  return {
    content: (content as CallToolResult['content'] | undefined) ?? [
      { type: 'text', text: JSON.stringify(output) ?? 'null' },
    ],
    ...(isObject && { structuredContent: output as Record<string, unknown> }),
  };
}

function toFailure({ name, message }: DescribedError, thrown: unknown): CallToolResult {
  return {
    content: [{ type: 'text', text: `${name}: ${message}` }],
    isError: true,
    ...(thrown instanceof ApprovalRequiredError && { _meta: { 'callboard/approval': thrown.approval } }),
  };
}
