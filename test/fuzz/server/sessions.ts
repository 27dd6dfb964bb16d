import { hold } from '../engine/expect.js';
import { messagesIn } from './answers.js';
import type { HttpWire } from './HttpWire.js';
import type { KnownCaller } from './rules.js';
import { type Stage, serviceToken } from './startStage.js';

type Caller = Pick<KnownCaller, 'mode' | 'profile'>;

const anybody = { mode: 'full_access', profile: undefined } as const;

export const headersOf = (token: string, version = '2025-11-25'): Record<string, string> => ({
  Authorization: `Bearer ${token}`,
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
  'MCP-Protocol-Version': version,
});

export const initialize = (capabilities: object = {}) => ({
  jsonrpc: '2.0',
  id: 'init',
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'fuzz', version: '1' } },
});

/** Opens a session of revision 2025-11-25 on the default server. */
export async function openSession(options: { stage: Stage; wire: HttpWire; caller: Caller; capabilities?: object }) {
  const { stage, wire, caller, capabilities } = options;
  const headers = headersOf(serviceToken(caller));
  const opened = await wire.send({ path: stage.mcpPath, headers, body: JSON.stringify(initialize(capabilities)) });
  const id = opened.headers['mcp-session-id'];
  hold(typeof id === 'string', 'no session', opened.status, opened.text);
  return {
    id,
    headers: { ...headers, 'Mcp-Session-Id': id },
    end: () => wire.send({ method: 'DELETE', path: stage.mcpPath, headers: { ...headers, 'Mcp-Session-Id': id } }),
  };
}

/** @throws Violation if the server does not answer as it should. */
export async function ping({ stage, wire }: { stage: Stage; wire: HttpWire }): Promise<void> {
  const answer = await wire.send({
    path: stage.mcpPath,
    headers: headersOf(serviceToken(anybody)),
    body: '{"jsonrpc":"2.0","id":"ping","method":"ping"}',
  });
  const [message] = messagesIn(answer);
  hold(answer.status === 200 && message?.id === 'ping' && message.result !== undefined, 'no answer to ping', answer);
}
