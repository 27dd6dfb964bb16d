import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { InputError, toError } from '@backstage/errors';
import { ActionTimeoutError } from '@callboard/actions';
import { ClientCapabilityError, type ClientRequest, scrubText, visibleText } from '@callboard/actions-api';
import { ProtocolError, SdkError, SdkErrorCode, type ServerContext } from '@modelcontextprotocol/server';
import { checkAnswer } from './answers.js';
import { findMissing } from './capabilities.js';
import { MAX_WAIT_MS } from './limits.js';
import type { Asker } from './McpCallClient.js';

const MAX_MESSAGE_CHARACTERS = 200;

/**
 * Asks by requests of the server's own, on the stream of the call (MCP 2025-11-25, client features),
 * all at once. As soon as one of them fails, the others are cancelled.
 *
 * @throws ActionTimeoutError if the client does not answer in time.
 * @throws ClientCapabilityError if it answers with an error.
 * @throws InputError if its answer is none.
 */
export function askInSession({ mcpReq }: ServerContext, { waitMs = MAX_WAIT_MS } = {}): Asker {
  return async requests => {
    const given = new AbortController();
    const signal = AbortSignal.any([mcpReq.signal, given.signal]);
    // Each request listens to it. More than ten are no leak, which Node would warn of.
    setMaxListeners(0, signal);
    const askOne = async ([key, request]: [string, ClientRequest]): Promise<[string, unknown]> => {
      const answer = checkAnswer(request, await send(mcpReq, key, request, { signal, timeout: waitMs }));
      if (!answer.ok) {
        throw new InputError(`The client's answer to ${request.method} ("${key}") is none: ${answer.problems}`);
      }
      return [key, answer.value];
    };
    try {
      return Object.fromEntries(await Promise.all(Object.entries(requests).map(askOne)));
    } catch (error) {
      given.abort('Another request of the same call has failed');
      throw error;
    }
  };
}

async function send(
  mcpReq: ServerContext['mcpReq'],
  key: string,
  request: ClientRequest,
  options: { signal: AbortSignal; timeout: number },
): Promise<unknown> {
  try {
    return await mcpReq.send(onTheWire(request), options);
  } catch (error) {
    if (mcpReq.signal.aborted) {
      throw toError(mcpReq.signal.reason);
    }
    const subject = `${request.method} ("${key}")`;
    if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout) {
      throw new ActionTimeoutError(`The client did not answer ${subject} within ${options.timeout / 1000} seconds`);
    }
    if (error instanceof ProtocolError) {
      const message = visibleText(scrubText(error.message), MAX_MESSAGE_CHARACTERS);
      throw new ClientCapabilityError(
        `The client could not be asked, though it says that it can: it answered ${subject} with the error ${error.code}: ${message}`,
        findMissing([request], undefined) ?? {},
      );
    }
    if (error instanceof SdkError && error.code === SdkErrorCode.InvalidResult) {
      throw new InputError(`The client's answer to ${subject} is none`);
    }
    throw error;
  }
}

/** The 2025 era names every question in URL mode. */
function onTheWire(request: ClientRequest): ClientRequest {
  if (request.method !== 'elicitation/create' || request.params.mode !== 'url') {
    return request;
  }
  const params = { ...request.params, elicitationId: randomUUID() };
  return { method: request.method, params };
}
