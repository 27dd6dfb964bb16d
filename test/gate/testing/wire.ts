import type { JsonObject } from '@backstage/types';
import { post } from '@callboard/test-utils';
import { type Answer, readResult } from './doors.js';
import { type Gate, tokenOf } from './startGate.js';

/** A JSON-RPC message, as attackers and their servers see it. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
export type Message = any;

export interface WireCall {
  readonly caller: string;
  readonly action: string;
  readonly input: JsonObject;
  /** A named server. */
  readonly server?: string;
}

const urlOf = (gate: Gate, server?: string): string => (server ? `${gate.mcpUrl}/${server}` : gate.mcpUrl);
const paramsOf = ({ action, input }: WireCall) => ({ name: `work.${action}`, arguments: input });

/** Of the 2026 era: everything that such a request can carry, true or not. */
export interface ModernCall extends WireCall {
  /** `null` leaves them out. */
  readonly capabilities?: JsonObject | null;
  readonly requestState?: unknown;
  readonly inputResponses?: unknown;
}

/** Posts one request of revision 2026-07-28. */
export async function postModern(gate: Gate, call: ModernCall): Promise<Message> {
  const { caller, server, capabilities = { elicitation: {} }, requestState, inputResponses } = call;
  const params = {
    ...paramsOf(call),
    ...(requestState !== undefined && { requestState }),
    ...(inputResponses !== undefined && { inputResponses }),
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'attacker', version: '1' },
      ...(capabilities && { 'io.modelcontextprotocol/clientCapabilities': capabilities }),
    },
  };
  const headers = { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'tools/call', 'Mcp-Name': params.name };
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };
  const { message, text } = await post(urlOf(gate, server), body, { token: tokenOf(caller), headers });
  return message ?? { error: { message: text } };
}

/** Makes a call whose client is asked, and returns the state that it would answer with. */
export async function askModern(gate: Gate, call: ModernCall): Promise<string> {
  const { result } = await postModern(gate, call);
  if (result?.resultType !== 'input_required') {
    throw new Error(`Nobody was asked: ${JSON.stringify(result)}`);
  }
  return result.requestState;
}

/** A session of revision 2025-11-25, message by message. */
export class WireSession {
  readonly #url: string;
  readonly #headers: Record<string, string>;

  private constructor(url: string, headers: Record<string, string>) {
    this.#url = url;
    this.#headers = headers;
  }

  static async open(
    gate: Gate,
    options: { caller: string; capabilities: JsonObject; server?: string },
  ): Promise<WireSession> {
    const token = tokenOf(options.caller);
    const url = urlOf(gate, options.server);
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: options.capabilities,
      clientInfo: { name: 'attacker', version: '1' },
    };
    const { headers, status } = await post(url, { jsonrpc: '2.0', id: 0, method: 'initialize', params }, { token });
    const sessionId = headers.get('mcp-session-id');
    if (!sessionId) {
      throw new Error(`No session: ${status}`);
    }
    const session = new WireSession(url, {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      'MCP-Protocol-Version': '2025-11-25',
      'Mcp-Session-Id': sessionId,
    });
    await session.send({ method: 'notifications/initialized' });
    return session;
  }

  /** Sends anything that has no answer, as one message. */
  async send(message: JsonObject, as: { token?: string } = {}): Promise<number> {
    const response = await this.#post(message, as.token ? { Authorization: `Bearer ${as.token}` } : {});
    await response.text();
    return response.status;
  }

  /** Makes a request that is answered without a question. */
  async request(id: number, method: string, params: JsonObject): Promise<Message> {
    return (await messagesOf(await this.#post({ id, method, params })).next()).value;
  }

  /** Begins a call; its messages are read one by one. */
  async call(id: number, { action, input }: Pick<WireCall, 'action' | 'input'>): Promise<AsyncIterator<Message>> {
    const params = { name: `work.${action}`, arguments: input };
    return messagesOf(await this.#post({ id, method: 'tools/call', params }));
  }

  /** Makes a call up to the question that the server asks, and returns the question and what comes after it. */
  async ask(
    id: number,
    call: Pick<WireCall, 'action' | 'input'>,
  ): Promise<{ question: Message; rest: AsyncIterator<Message> }> {
    const rest = await this.call(id, call);
    const { value: question } = await rest.next();
    if (question?.method !== 'elicitation/create') {
      throw new Error(`Nobody was asked: ${JSON.stringify(question)}`);
    }
    return { question, rest };
  }

  #post(message: JsonObject, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.#url, {
      method: 'POST',
      headers: { ...this.#headers, ...headers },
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    });
  }
}

async function* messagesOf(response: Response): AsyncGenerator<Message> {
  if (!response.headers.get('content-type')?.includes('text/event-stream')) {
    yield await response.json();
    return;
  }
  let text = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString('utf8');
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const data = event.split('\n').find(line => line.startsWith('data: '));
      if (data && data.length > 'data: '.length) {
        yield JSON.parse(data.slice('data: '.length));
      }
    }
  }
}

/** How a response is understood by a client. */
export function readMessage(message: Message): Answer | { ended: 'asked' } {
  if (message?.result?.resultType === 'input_required') {
    return { ended: 'asked' };
  }
  return message?.result ? readResult(message.result) : { ended: 'given-up', message: message?.error?.message };
}
