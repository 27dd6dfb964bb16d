import { toError } from '@backstage/errors';
import { type DescribedError, describeError, Invocation, invokeAction, printable } from '@callboard/actions';
import {
  type CallToolRequestParams,
  type CallToolResult,
  ProtocolError,
  ProtocolErrorCode,
} from '@modelcontextprotocol/server';
import type { PublishedServer } from './PublishedServer.js';
import type { RequestContext } from './RequestContext.js';

/**
 * Answers `tools/call`.
 *
 * @returns the output as text and as structure, or a result with `isError` for a failure that is
 * meant for the caller, so that the model can react to it.
 * @throws ProtocolError `-32602` for a tool that the caller cannot see (MCP 2025-11-25,
 * server/tools, error handling), `-32603` with a request id for an unexpected failure.
 */
export async function callTool(
  server: PublishedServer,
  params: CallToolRequestParams,
  { credentials, grant, request, signal }: RequestContext & { signal: AbortSignal },
): Promise<CallToolResult> {
  const { auditor, policy, logger, telemetry } = server.services;
  const call = new Invocation({
    name: params.name,
    find: () => server.tools.find(params.name, credentials),
    input: params.arguments ?? {},
    credentials,
    door: 'mcp',
    ...(server.config.key && { server: server.config.key }),
    ...(grant && { scopes: grant.scopes, clientId: grant.clientId }),
    signal,
  });
  const audit = {
    eventId: 'tool-execution',
    request,
    meta: {
      toolName: params.name,
      ...(server.config.key && { server: server.config.key }),
      ...(grant && { clientId: grant.clientId }),
    },
  };

  return telemetry.traceToolCall(call, { request, arguments: params.arguments }, async span => {
    try {
      const output = await invokeAction(call, { policy, auditor, audit });
      const result = toResult(output);
      span.succeeded(result);
      return result;
    } catch (thrown) {
      const described = describeError(thrown, {
        requestId: call.requestId,
        subject: `Tool "${printable(params.name)}"`,
      });
      if (!call.foundAction && described.name === 'NotFoundError') {
        span.failed(described.name);
        throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${printable(params.name)}`);
      }
      if (!described.expected) {
        const level = signal.aborted ? 'debug' : 'error';
        logger[level](
          `Tool "${printable(params.name)}" failed unexpectedly, request id ${call.requestId}`,
          toError(thrown),
        );
        span.failed(toError(thrown).name);
        throw new ProtocolError(ProtocolErrorCode.InternalError, described.message, { requestId: call.requestId });
      }
      span.failed('tool_error');
      return toErrorResult(described);
    }
  });
}

function toResult(output: unknown): CallToolResult {
  const text = JSON.stringify(output) ?? 'null';
  const isObject = typeof output === 'object' && output !== null && !Array.isArray(output);
  return {
    content: [{ type: 'text', text }],
    ...(isObject && { structuredContent: output as Record<string, unknown> }),
  };
}

function toErrorResult({ name, message }: DescribedError): CallToolResult {
  return { content: [{ type: 'text', text: `${name}: ${message}` }], isError: true };
}
