import type { JsonObject } from '@backstage/types';
import { type PostAnswer, post } from '@callboard/test-utils';
import { modern, TOKENS } from '../../plugins/mcp-actions-backend/src/testing/startProbe.js';

export const mcpPath = '/api/mcp-actions/v1';

/** What comes back of answers that no call waits for. */
export const LATE = /^InputError: The answer is for no open question of a call of .* Make the call anew\.$/;

const everything: JsonObject = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };

export interface RoundOptions {
  args?: JsonObject;
  state?: string;
  responses?: JsonObject;
  capabilities?: JsonObject;
  meta?: JsonObject;
  token?: string;
  signal?: AbortSignal;
}

/** Calls a tool as a client of the 2026 era, or brings it the answers to what it has asked. */
export function callInRounds({ url }: { url: string }, name: string, options: RoundOptions = {}): Promise<PostAnswer> {
  const { body, headers } = roundOf(name, options);
  const { token = TOKENS.ada, signal } = options;
  return post(url + mcpPath, body, { token, headers, ...(signal && { signal }) });
}

/** The request by which it does. */
export function roundOf(name: string, options: RoundOptions): ReturnType<typeof modern> {
  const { args = {}, state, responses, capabilities = everything, meta = {} } = options;
  return modern(
    'tools/call',
    {
      name,
      arguments: args,
      ...(state !== undefined && { requestState: state }),
      ...(responses && { inputResponses: responses }),
    },
    { 'io.modelcontextprotocol/clientCapabilities': capabilities, ...meta },
  );
}

/** Calls a tool that asks something. @returns the state for the answers. */
export async function askedBy(replica: { url: string }, name: string, options?: RoundOptions): Promise<string> {
  return (await callInRounds(replica, name, options)).message.result.requestState;
}

/** The text of a result; undefined if there is none. */
export function textOf({ message }: PostAnswer): string | undefined {
  return message.result?.content?.[0]?.text;
}
