import { toError } from '@backstage/errors';
import type { JsonObject } from '@backstage/types';
import type { PendingApproval } from '@callboard/actions';
import { post } from '@callboard/test-utils';
import { Client as V2Client, StreamableHTTPClientTransport as V2Transport } from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import type { Gate } from './startGate.js';
import { tokenOf } from './startGate.js';

/** How the person at a client answers, or how the client fails to ask; `none` has no elicitation. */
export const clientAnswers = ['accepts', 'declines', 'cancels', 'errors', 'never', 'none'] as const;
export type ClientAnswer = (typeof clientAnswers)[number];

/** Ways in through which a person can be asked. */
export const askingDoors = ['session', 'sse', 'modern'] as const;
/** Ways in on which nobody can be asked. */
export const silentDoors = ['stateless', 'http-v1', 'http-v2', 'in-process'] as const;
export type DoorName = (typeof askingDoors)[number] | (typeof silentDoors)[number];

/** How a call ended for its caller. */
export type Answer =
  | { readonly ended: 'ran'; readonly output: unknown }
  | { readonly ended: 'refused'; readonly name: string; readonly message: string; readonly approval?: PendingApproval }
  /** As if there were no such action. */
  | { readonly ended: 'unknown' }
  /** The caller's own side ended it. */
  | { readonly ended: 'given-up'; readonly message: string };

export interface OpenDoor {
  call(action: string, input: JsonObject): Promise<Answer>;
  close(): Promise<void>;
}

/** Opens one of the ways in for the caller of that name, whose client answers as said. */
export async function openDoor(
  gate: Gate,
  options: { door: DoorName; caller: string; answer: ClientAnswer; server?: string },
): Promise<OpenDoor> {
  const token = tokenOf(options.caller);
  const url = options.server ? `${gate.mcpUrl}/${options.server}` : gate.mcpUrl;
  switch (options.door) {
    case 'session':
      return connectLegacy(
        new StreamableHTTPClientTransport(new URL(url), { requestInit: withToken(token) }) as never,
        options.answer,
      );
    case 'sse':
      return connectLegacy(
        new SSEClientTransport(new URL(`${url}/sse`), { requestInit: withToken(token) }),
        options.answer,
      );
    case 'modern':
      return connectModern(url, token, options.answer);
    case 'stateless':
      return { call: (...call) => callStateless(url, token, ...call), close: async () => {} };
    case 'http-v1':
    case 'http-v2': {
      const version = options.door === 'http-v1' ? 'v1' : 'v2';
      return { call: (...call) => callHttp(gate, token, version, ...call), close: async () => {} };
    }
    case 'in-process':
      return { call: (...call) => callInProcess(gate, ...call), close: async () => {} };
  }
}

const withToken = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });
const info = { name: 'gate-test', version: '1.0.0' };

/** What a client does when the server asks; `giveUp` ends the call from the client's side. */
async function answerAs(
  answer: ClientAnswer,
  giveUp: () => void,
): Promise<{ action: 'accept' | 'decline' | 'cancel' }> {
  switch (answer) {
    case 'accepts':
      return { action: 'accept', ...{ content: {} } };
    case 'declines':
      return { action: 'decline' };
    case 'cancels':
      return { action: 'cancel' };
    case 'never':
      giveUp();
      return new Promise(() => {});
    default:
      throw new Error('The window of the client does not open');
  }
}

/** Has one call at a time under way, which `giveUp` aborts. */
function oneAtATime() {
  let current: AbortController | undefined;
  return {
    giveUp: () => current?.abort(new Error('The client has given up')),
    async run(call: (signal: AbortSignal) => Promise<Answer>): Promise<Answer> {
      current = new AbortController();
      const { signal } = current;
      const givenUp = new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      try {
        // The client of the 2026 era waits for the person, whatever becomes of the call.
        return await Promise.race([call(signal), givenUp]);
      } catch (error) {
        return describeThrown(error);
      }
    },
  };
}

async function connectLegacy(transport: Parameters<Client['connect']>[0], answer: ClientAnswer): Promise<OpenDoor> {
  const calls = oneAtATime();
  const client = new Client(info, { capabilities: answer === 'none' ? {} : { elicitation: {} } });
  if (answer !== 'none') {
    client.setRequestHandler(ElicitRequestSchema, () => answerAs(answer, calls.giveUp));
  }
  await client.connect(transport);
  return {
    call: (action, input) =>
      calls.run(async signal =>
        readResult(await client.callTool({ name: `work.${action}`, arguments: input }, undefined, { signal })),
      ),
    close: () => client.close(),
  };
}

async function connectModern(url: string, token: string, answer: ClientAnswer): Promise<OpenDoor> {
  const calls = oneAtATime();
  const client = new V2Client(info, {
    versionNegotiation: { mode: { pin: '2026-07-28' } },
    capabilities: answer === 'none' ? {} : { elicitation: {} },
  });
  if (answer !== 'none') {
    client.setRequestHandler('elicitation/create', () => answerAs(answer, calls.giveUp));
  }
  await client.connect(new V2Transport(new URL(url), { requestInit: withToken(token) }));
  return {
    call: (action, input) =>
      calls.run(async signal =>
        readResult(await client.callTool({ name: `work.${action}`, arguments: input }, { signal })),
      ),
    close: () => client.close(),
  };
}

async function callStateless(url: string, token: string, action: string, input: JsonObject): Promise<Answer> {
  const params = { name: `work.${action}`, arguments: input };
  const { message } = await post(
    url,
    { jsonrpc: '2.0', id: 1, method: 'tools/call', params },
    { token, headers: { 'MCP-Protocol-Version': '2025-11-25' } },
  );
  return message.error ? describeThrown(message.error) : readResult(message.result);
}

async function callHttp(
  gate: Gate,
  token: string,
  version: 'v1' | 'v2',
  action: string,
  input: JsonObject,
): Promise<Answer> {
  const url = `${gate.url}/api/work/.backstage/actions/${version}/actions/work:${action}/invoke`;
  const response = await fetch(url, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(version === 'v1' ? input : { input }),
  });
  const body = (await response.json()) as { output: unknown; error: Parameters<typeof refusal>[0] };
  return response.ok ? { ended: 'ran', output: body.output } : refusal(body.error);
}

async function callInProcess({ caller }: Gate, action: string, input: JsonObject): Promise<Answer> {
  try {
    const credentials = await caller.ownCredentials();
    const { output } = await caller.actions.invoke({ id: `work:${action}`, input, credentials });
    return { ended: 'ran', output };
  } catch (error) {
    return refusal(error as Error & { approval?: PendingApproval });
  }
}

function refusal({ name, message, approval }: { name: string; message: string; approval?: PendingApproval }): Answer {
  return name === 'NotFoundError' && /^Action ".*" not found$/.test(message)
    ? { ended: 'unknown' }
    : { ended: 'refused', name, message, ...(approval && { approval }) };
}

/** Of `tools/call`, whichever client has read it. */
export function readResult(result: unknown): Answer {
  const { content, structuredContent, isError, _meta } = result as {
    content: { text: string }[];
    structuredContent?: unknown;
    isError?: boolean;
    _meta?: { 'callboard/approval'?: PendingApproval };
  };
  if (!isError) {
    return { ended: 'ran', output: structuredContent };
  }
  const text = content[0]?.text ?? '';
  const colon = text.indexOf(': ');
  const approval = _meta?.['callboard/approval'];
  return refusal({ name: text.slice(0, colon), message: text.slice(colon + 2), ...(approval && { approval }) });
}

function describeThrown(thrown: unknown): Answer {
  const { message } = thrown instanceof Error ? thrown : toError(thrown);
  return /Unknown tool/.test(message) ? { ended: 'unknown' } : { ended: 'given-up', message };
}
