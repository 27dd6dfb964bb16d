import {
  Client as V2Client,
  SSEClientTransport as V2SseTransport,
  StreamableHTTPClientTransport as V2StreamableTransport,
} from '@modelcontextprotocol/client';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport as V1SseTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as V1StreamableTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';

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

type PersonalAnswer =
  | 'accept'
  | 'decline'
  | 'cancel'
  | { action: 'accept' | 'decline' | 'cancel'; content?: Record<string, unknown> };

/** What the server elicits, as it came. */
export interface ElicitedQuestion {
  mode?: string;
  message: string;
  requestedSchema?: Record<string, unknown>;
  url?: string;
}

/** What the person at a client answers; what is thrown is the client's failure to ask. */
export type Answering = (
  question: string,
  params: ElicitedQuestion,
) => PersonalAnswer | undefined | Promise<PersonalAnswer | undefined>;

export interface Progress {
  progress: number;
  total?: number;
  message?: string;
}

export interface LogMessage {
  level: string;
  data: unknown;
  logger?: string;
}

export interface CallOptions {
  signal?: AbortSignal;
  /** Has the client ask for progress. */
  onProgress?: (progress: Progress) => void;
  _meta?: Record<string, unknown>;
}

/** What a client says of elicitation where it knows forms only and says no more. */
const ELICITATION = {};
/** As the SDKs have it. */
const CALL_TIMEOUT_MS = 60_000;

/** The little that every client can do, alike for all kinds. */
export interface ConnectedClient {
  /** `legacy` is the 2025 era, `modern` 2026-07-28. */
  readonly era: 'legacy' | 'modern';
  readonly serverInfo: { name: string; version: string; title?: string } | undefined;
  /** The client itself, for what not every kind can do. */
  readonly raw: V1Client | V2Client;
  listTools(): Promise<ListedTool[]>;
  callTool(name: string, input?: Record<string, unknown>, options?: CallOptions): Promise<ToolResult>;
  close(): Promise<void>;
}

/**
 * @param options.url - of an MCP server over Streamable HTTP; the SSE kinds append `/sse`.
 * @param options.answer - asked where the server elicits something; without it, the client has no elicitation.
 * @param options.elicitation - the capability, as the client is to announce it.
 * @param options.sample - what the client's model answers; without it, the client has no sampling.
 * @param options.roots - URIs of the folders that the client works in; without them, it has no roots.
 * @param options.onLog - told of log messages.
 * @param options.logLevel - from which level on the client wants them; in the 2026 era, none without it.
 */
export async function connectClient(options: {
  url: string;
  token: string;
  kind: ClientKind;
  answer?: Answering;
  elicitation?: object;
  sample?: (params: Record<string, unknown>) => object | Promise<object>;
  roots?: string[];
  onLog?: (message: LogMessage) => void;
  logLevel?: 'debug' | 'info' | 'warning' | 'error';
}): Promise<ConnectedClient> {
  const { url, token, kind, answer, sample, roots, onLog, logLevel } = options;
  const elicitation = options.elicitation ?? (answer && ELICITATION);
  const capabilities = {
    capabilities: {
      ...(elicitation && { elicitation }),
      ...(sample && { sampling: {} }),
      ...(roots && { roots: {} }),
    },
  };
  const elicit =
    answer &&
    (async (params: ElicitedQuestion) => {
      const given = await answer(params.message, params);
      return typeof given === 'object' ? given : { action: given, content: {} };
    });
  const listRoots = () => ({ roots: roots?.map(uri => ({ uri })) ?? [] });
  const init = { requestInit: { headers: { Authorization: `Bearer ${token}` } } };
  const info = { name: `test-${kind}`, version: '1.0.0' };
  const streamableUrl = new URL(url);
  const sseUrl = new URL(`${url}/sse`);

  if (kind === 'sdk-v1-streamable' || kind === 'sdk-v1-sse') {
    const client = new V1Client(info, capabilities);
    if (elicit) {
      client.setRequestHandler(ElicitRequestSchema, ({ params }) => elicit(params as ElicitedQuestion) as never);
    }
    if (sample) {
      client.setRequestHandler(CreateMessageRequestSchema, async ({ params }) => (await sample(params)) as never);
    }
    if (roots) {
      client.setRequestHandler(ListRootsRequestSchema, listRoots);
    }
    if (onLog) {
      client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => onLog(params));
    }
    await client.connect(
      kind === 'sdk-v1-sse' ? new V1SseTransport(sseUrl, init) : new V1StreamableTransport(streamableUrl, init),
    );
    if (logLevel) {
      await client.setLoggingLevel(logLevel);
    }
    return {
      era: 'legacy',
      ...facade(client, (params, init) => client.callTool(params, undefined, init)),
    };
  }
  const mode = kind === 'v2-modern' ? { pin: '2026-07-28' as const } : kind === 'v2-auto' ? 'auto' : 'legacy';
  const client = new V2Client(info, { ...capabilities, versionNegotiation: { mode } });
  if (elicit) {
    client.setRequestHandler('elicitation/create', ({ params }) => elicit(params as ElicitedQuestion) as never);
  }
  if (sample) {
    client.setRequestHandler('sampling/createMessage', async ({ params }) => (await sample(params)) as never);
  }
  if (roots) {
    client.setRequestHandler('roots/list', listRoots);
  }
  if (onLog) {
    client.setNotificationHandler('notifications/message', ({ params }) => onLog(params as LogMessage));
  }
  await client.connect(
    kind === 'v2-sse' ? new V2SseTransport(sseUrl, init) : new V2StreamableTransport(streamableUrl, init),
  );
  const era = client.getProtocolEra() === 'modern' ? 'modern' : 'legacy';
  if (logLevel && era === 'legacy') {
    await client.setLoggingLevel(logLevel);
  }
  const perCall = logLevel && era === 'modern' && { 'io.modelcontextprotocol/logLevel': logLevel };
  return {
    era,
    ...facade(client, ({ _meta, ...params }, init) =>
      client.callTool({ ...params, ...((_meta || perCall) && { _meta: { ..._meta, ...perCall } }) }, init),
    ),
  };
}

function facade(
  client: V1Client | V2Client,
  callTool: (
    params: { name: string; arguments: Record<string, unknown>; _meta?: Record<string, unknown> },
    init: { signal?: AbortSignal; onprogress?: (progress: Progress) => void; timeout: number },
  ) => Promise<unknown>,
): Omit<ConnectedClient, 'era'> {
  return {
    serverInfo: client.getServerVersion(),
    raw: client,
    listTools: async () => (await client.listTools()).tools as ListedTool[],
    callTool: async (name, input = {}, { signal, onProgress, _meta } = {}) =>
      (await callTool(
        { name, arguments: input, ...(_meta && { _meta }) },
        {
          timeout: CALL_TIMEOUT_MS,
          ...(signal && { signal }),
          ...(onProgress && { onprogress: onProgress }),
        },
      )) as ToolResult,
    close: () => client.close(),
  };
}
