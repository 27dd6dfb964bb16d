import { toError } from '@backstage/errors';
import {
  type AnsweredApproval,
  ApprovalQuestion,
  ApprovalRequiredError,
  type DescribedError,
  describeError,
  Invocation,
  invokeAction,
  printable,
} from '@callboard/actions';
import {
  type CallToolRequestParams,
  type CallToolResult,
  ProtocolError,
  ProtocolErrorCode,
} from '@modelcontextprotocol/server';
import type { PublishedServer } from './PublishedServer.js';
import type { RequestContext } from './RequestContext.js';

/** What is known of the client behind a request, and what came of asking it. */
export interface ClientSide {
  readonly signal: AbortSignal;
  /** What the agent calls itself; nobody has checked it. */
  readonly agentId?: string;
  /** Why the agent makes the call, in its own words. */
  readonly reason?: string;
  /** Whether a person can be asked through the client (MCP, elicitation in form mode). */
  readonly canAsk?: boolean;
  readonly answered?: AnsweredApproval;
}

/**
 * Makes one attempt at `tools/call`.
 *
 * @returns the output as text and as structure; a result with `isError` for a failure that is
 * meant for the caller, so that the model can react to it; or the question that a person has to
 * answer before the next attempt.
 * @throws ProtocolError `-32602` for a tool that the caller cannot see (MCP 2025-11-25,
 * server/tools, error handling), `-32603` with a request id for an unexpected failure.
 */
export async function callTool(
  server: PublishedServer,
  params: CallToolRequestParams,
  { credentials, grant, profile, request }: RequestContext,
  { signal, ...client }: ClientSide,
): Promise<CallToolResult | ApprovalQuestion> {
  const { auditor, policy, logger, telemetry } = server.services;
  const call = new Invocation({
    name: params.name,
    find: () => server.tools.find(params.name, credentials),
    input: params.arguments ?? {},
    credentials,
    door: 'mcp',
    ...(server.config.key && { server: server.config.key }),
    ...(grant && { scopes: grant.scopes, clientId: grant.clientId }),
    ...(profile !== undefined && { profile }),
    ...client,
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
      if (thrown instanceof ApprovalQuestion) {
        span.failed('approval_asked');
        return thrown;
      }
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
      return {
        ...toErrorResult(described),
        ...(thrown instanceof ApprovalRequiredError && { _meta: { 'callboard/approval': thrown.approval } }),
      };
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
