import { ApprovalRequiredError, type DescribedError, SecretsRequiredError } from '@callboard/actions';
import {
  type CallToolRequestParams,
  type CallToolResult,
  ProtocolError,
  ProtocolErrorCode,
} from '@modelcontextprotocol/server';
import { answerDiscovery } from '../discovery/answerDiscovery.js';
import { type CalledTool, calledTool } from '../discovery/calledTool.js';
import { DESCRIBE_TOOL, SEARCH_TOOLS } from '../discovery/discoveryTools.js';
import { unknownToolMessage } from '../discovery/unknownTool.js';
import { ownerOf, READ_OUTPUT, readOutput } from '../outputs/readOutput.js';
import { toCallResult } from '../outputs/toCallResult.js';
import type { ClientSide } from './ClientSide.js';
import { type CallQuestion, makeCall, quoted } from './makeCall.js';
import type { PublishedServer } from './PublishedServer.js';
import type { RequestContext } from './RequestContext.js';

/**
 * Makes one attempt at `tools/call`, of an action or of a tool that the server has itself.
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
  context: RequestContext,
  client: ClientSide,
): Promise<CallToolResult | CallQuestion> {
  const called = calledTool(server, params);
  if (called.via === undefined && server.tools.isOwn(called.name)) {
    switch (called.name) {
      case SEARCH_TOOLS:
      case DESCRIBE_TOOL:
        return answerDiscovery(server, { name: called.name, input: called.input }, context);
      case READ_OUTPUT:
        return readOutput(server, called.input, context, client);
    }
  }
  return callAction(server, called, context, client);
}

function callAction(
  server: PublishedServer,
  { name, input, via, problem }: CalledTool,
  context: RequestContext,
  client: ClientSide,
): Promise<CallToolResult | CallQuestion> {
  const { config, services, tools } = server;
  return makeCall<CallToolResult>(
    server,
    {
      method: 'tools/call',
      name,
      subject: `Tool ${quoted(name)}`,
      input,
      find: async () => {
        if (problem) {
          throw problem;
        }
        return tools.find(name, context.credentials);
      },
      eventId: 'tool-execution',
      meta: { toolName: name, ...(via && { via }) },
      toResult: call =>
        toCallResult(call, {
          toolName: name,
          logger: services.logger,
          maxOutputCharacters: config.maxOutputCharacters,
          outputs: services.outputs,
          owner: ownerOf(server, context),
        }),
      toFailure,
      toUnknown: async () => {
        const list =
          config.discovery === 'search' ? await tools.list(context.credentials, server.viewOf(context)) : undefined;
        return new ProtocolError(ProtocolErrorCode.InvalidParams, unknownToolMessage(server, list, name));
      },
    },
    context,
    client,
  );
}

function toFailure({ name, message }: DescribedError, thrown: unknown): CallToolResult {
  return {
    content: [{ type: 'text', text: `${name}: ${message}` }],
    isError: true,
    ...(thrown instanceof ApprovalRequiredError && { _meta: { 'callboard/approval': thrown.approval } }),
    ...(thrown instanceof SecretsRequiredError && { _meta: { 'callboard/secrets': thrown.secrets } }),
  };
}
