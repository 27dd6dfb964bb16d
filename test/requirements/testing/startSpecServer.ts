import type { JsonObject } from '@backstage/types';
import fixturesPlugin from '@callboard/test-conformance-fixtures';
import { createHeldPlugin } from '../../../plugins/mcp-actions-backend/src/testing/heldPlugin.js';
import { openEventStream } from '../../../plugins/mcp-actions-backend/src/testing/openEventStream.js';
import {
  backendOfTwo,
  initialize,
  modern,
  startProbe,
  TOKENS,
} from '../../../plugins/mcp-actions-backend/src/testing/startProbe.js';

export type SpecServer = Awaited<ReturnType<typeof startSpecServer>>;

export const eras = ['2025-11-25', '2026-07-28'] as const;
export type Era = (typeof eras)[number];

/** What a client says that can do everything. */
export const everything: JsonObject = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: {} };

/**
 * Starts a server with the plugin that the conformance suite is run against, under its tool names, and
 * with actions that wait for the test. It is spoken to over plain HTTP, as Ada.
 */
export async function startSpecServer(
  options: {
    mcpActions?: JsonObject;
    backend?: JsonObject;
    discovery?: JsonObject;
    features?: unknown[];
    pluginSources?: string[];
  } = {},
) {
  const { mcpActions, backend, discovery, features = [], pluginSources = [] } = options;
  const held = createHeldPlugin();
  const app = await startProbe({
    features: [fixturesPlugin, held.plugin, ...features],
    config: {
      backend: {
        ...backendOfTwo,
        ...backend,
        actions: { pluginSources: ['probe', 'conformance', 'held', ...pluginSources] },
      },
      mcpActions: { toolNames: 'exact', ...mcpActions },
      ...(discovery && { discovery }),
    },
  });
  const closers: (() => void)[] = [];
  const common = { Authorization: `Bearer ${TOKENS.ada}`, Accept: 'application/json, text/event-stream' };

  const open = async (init: { headers?: Record<string, string>; body?: unknown; method?: string }) => {
    const { headers, body, method = body === undefined ? 'GET' : 'POST' } = init;
    const stream = await openEventStream(app.url, {
      method,
      headers: { ...common, ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    closers.push(stream.close);
    return stream;
  };

  /** Opens a session of a client that says this of itself, and speaks on it. */
  const openSession = async (capabilities: JsonObject = everything, version = '2025-11-25') => {
    const opened = await app.send(initialize(version, capabilities), { token: TOKENS.ada });
    const id = opened.headers.get('mcp-session-id') as string;
    const headers = { 'Mcp-Session-Id': id, 'MCP-Protocol-Version': version };
    const send = (body: unknown) => app.send(body, { token: TOKENS.ada, headers });
    await send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return {
      id,
      headers,
      opened,
      send,
      call: (name: string, args: JsonObject = {}, { id: requestId = 1, meta = {} }: CallOptions = {}) =>
        open({ headers, body: request(requestId, 'tools/call', { name, arguments: args, _meta: meta }) }),
      listen: (lastEventId?: string) =>
        open({ headers: { ...headers, ...(lastEventId !== undefined && { 'Last-Event-ID': lastEventId }) } }),
    };
  };

  /** Sends a request of the era, without a session, and returns all messages of the answer. */
  const ask = async (
    era: Era,
    method: string,
    params: JsonObject = {},
    { id = 1, meta = {}, headers = {}, capabilities = {} }: CallOptions & { headers?: Record<string, string> } = {},
  ) => {
    const envelope = modern(method, params, {
      'io.modelcontextprotocol/clientCapabilities': capabilities,
      ...meta,
    });
    const answer =
      era === '2026-07-28'
        ? await app.send(
            { ...envelope.body, id },
            { token: TOKENS.ada, headers: { ...envelope.headers, ...nameHeader(params), ...headers } },
          )
        : await app.send(request(id, method, { ...params, _meta: meta }), {
            token: TOKENS.ada,
            headers: { 'MCP-Protocol-Version': era, ...headers },
          });
    return { ...answer, messages: readMessages(answer.text) };
  };

  return {
    ...app,
    held,
    open,
    openSession,
    ask,
    /** Ends the server and leaves the streams that are open. */
    stopServer: app.stop,
    stop: async () => {
      for (const close of closers.splice(0)) {
        close();
      }
      await app.stop();
    },
  };
}

export interface CallOptions {
  id?: number | string;
  meta?: JsonObject;
  capabilities?: JsonObject;
}

export function request(id: number | string, method: string, params: JsonObject = {}) {
  return { jsonrpc: '2.0', id, method, params };
}

/** The JSON-RPC messages of a body, be it JSON or an event stream. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into messages of every shape
export function readMessages(text: string): any[] {
  const data = text.split('\n').filter(line => line.startsWith('data: {'));
  const documents = data.length > 0 ? data.map(line => line.slice('data: '.length)) : [text];
  return documents.filter(document => document.trim() !== '').map(document => JSON.parse(document));
}

function nameHeader({ name, uri }: JsonObject): Record<string, string> {
  const value = name ?? uri;
  return typeof value === 'string' ? { 'Mcp-Name': value } : {};
}
