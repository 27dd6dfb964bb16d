import {
  Client as V2Client,
  SSEClientTransport as V2SseTransport,
  StreamableHTTPClientTransport as V2StreamableTransport,
} from '@modelcontextprotocol/client';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport as V1SseTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as V1StreamableTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';

/** The official clients, old and new, over each transport, in each era. */
export const clientKinds = ['sdk-v1-streamable', 'sdk-v1-sse', 'v2-legacy', 'v2-sse', 'v2-auto', 'v2-modern'] as const;
export type ClientKind = (typeof clientKinds)[number];

export interface ListedTool {
  name: string;
  title?: string;
  description?: string;
  inputSchema: Record<string, unknown>;
  outputSchema?: Record<string, unknown>;
  annotations?: Record<string, unknown>;
}

export interface ToolResult {
  content: { type: string; text?: string }[];
  structuredContent?: Record<string, unknown>;
  isError?: boolean;
}

/** What the person at a client answers; what is thrown is the client's failure to ask. */
export type Answering = (
  question: string,
) => 'accept' | 'decline' | 'cancel' | Promise<'accept' | 'decline' | 'cancel'>;

/** What a client says of elicitation where it knows forms only and says no more. */
const ELICITATION = {};

/** The little that every client can do, alike for all kinds. */
export interface ConnectedClient {
  /** `legacy` is the 2025 era, `modern` 2026-07-28. */
  readonly era: 'legacy' | 'modern';
  readonly serverInfo: { name: string; version: string; title?: string } | undefined;
  /** The client itself, for what not every kind can do. */
  readonly raw: V1Client | V2Client;
  listTools(): Promise<ListedTool[]>;
  callTool(name: string, input?: Record<string, unknown>): Promise<ToolResult>;
  close(): Promise<void>;
}

/**
 * @param options.url - of an MCP server over Streamable HTTP; the SSE kinds append `/sse`.
 * @param options.answer - asked where the server elicits something; without it, the client has no elicitation.
 * @param options.elicitation - the capability, as the client is to announce it.
 */
export async function connectClient(options: {
  url: string;
  token: string;
  kind: ClientKind;
  answer?: Answering;
  elicitation?: object;
}): Promise<ConnectedClient> {
  const { url, token, kind, answer } = options;
  const elicitation = options.elicitation ?? (answer && ELICITATION);
  const capabilities = { capabilities: elicitation ? { elicitation } : {} };
  const elicit = answer && (async (question: string) => ({ action: await answer(question), content: {} }));
  const init = { requestInit: { headers: { Authorization: `Bearer ${token}` } } };
  const info = { name: `test-${kind}`, version: '1.0.0' };
  const streamableUrl = new URL(url);
  const sseUrl = new URL(`${url}/sse`);

  if (kind === 'sdk-v1-streamable' || kind === 'sdk-v1-sse') {
    const client = new V1Client(info, capabilities);
    if (elicit) {
      client.setRequestHandler(ElicitRequestSchema, ({ params }) => elicit(params.message));
    }
    await client.connect(
      kind === 'sdk-v1-sse' ? new V1SseTransport(sseUrl, init) : new V1StreamableTransport(streamableUrl, init),
    );
    return { era: 'legacy', ...facade(client) };
  }
  const mode = kind === 'v2-modern' ? { pin: '2026-07-28' as const } : kind === 'v2-auto' ? 'auto' : 'legacy';
  const client = new V2Client(info, { ...capabilities, versionNegotiation: { mode } });
  if (elicit) {
    client.setRequestHandler('elicitation/create', ({ params }) => elicit(params.message));
  }
  await client.connect(
    kind === 'v2-sse' ? new V2SseTransport(sseUrl, init) : new V2StreamableTransport(streamableUrl, init),
  );
  return { era: client.getProtocolEra() === 'modern' ? 'modern' : 'legacy', ...facade(client) };
}

function facade(client: V1Client | V2Client): Omit<ConnectedClient, 'era'> {
  return {
    serverInfo: client.getServerVersion(),
    raw: client,
    listTools: async () => (await client.listTools()).tools as ListedTool[],
    callTool: async (name, input = {}) => (await client.callTool({ name, arguments: input })) as ToolResult,
    close: () => client.close(),
  };
}
