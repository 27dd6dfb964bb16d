import { printable } from '@callboard/actions';
import {
  type GetPromptRequestParams,
  type GetPromptResult,
  ProtocolError,
  ProtocolErrorCode,
} from '@modelcontextprotocol/server';
import type { ClientSide } from '../protocol/ClientSide.js';
import { type CallQuestion, makeCall, quoted } from '../protocol/makeCall.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import type { RequestContext } from '../protocol/RequestContext.js';
import { toProtocolError } from '../protocol/toProtocolError.js';

/**
 * Makes one attempt at `prompts/get`.
 *
 * @returns the messages; or the question that a person has to answer before the next attempt.
 * @throws ProtocolError `-32602` for a prompt that the caller cannot see and for arguments that it does
 * not take; for other errors that are meant for the caller what `toProtocolError` makes of them;
 * `-32603` with a request id for an unexpected failure.
 */
export function getPrompt(
  server: PublishedServer,
  { name, arguments: input = {} }: GetPromptRequestParams,
  context: RequestContext,
  client: ClientSide,
): Promise<GetPromptResult | CallQuestion> {
  return makeCall<GetPromptResult>(
    server,
    {
      method: 'prompts/get',
      name,
      subject: `Prompt ${quoted(name)}`,
      input,
      find: () => server.prompts.find(name, context.credentials),
      eventId: 'prompt-get',
      meta: { promptName: printable(name) },
      toResult: ({ action, output }) => ({ description: action.description, ...(output as GetPromptResult) }),
      toFailure: (failure, thrown) => {
        throw failure.name === 'NotFoundError'
          ? new ProtocolError(ProtocolErrorCode.InvalidParams, failure.message, { name: failure.name })
          : toProtocolError(failure, thrown);
      },
      toUnknown: () => unknownPrompt(name),
    },
    context,
    client,
  );
}

export function unknownPrompt(name: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown prompt: ${printable(name)}`);
}
