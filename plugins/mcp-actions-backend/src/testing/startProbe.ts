import type { JsonObject } from '@backstage/types';
import { startTestApp } from '@callboard/test-utils';
import mcpFeatures from '../index.js';
import { createProbePlugin } from './probePlugin.js';

/** Two services, each with a static token of its own. */
export const TOKENS = { ada: 'token-of-ada-0123456789', eve: 'token-of-eve-0123456789' };

/** Configuration under `backend` that lets the two in. */
export const backendOfTwo = {
  actions: { pluginSources: ['probe'] },
  auth: {
    externalAccess: Object.entries(TOKENS).map(([subject, token]) => ({ type: 'static', options: { token, subject } })),
  },
};

export interface Answer {
  status: number;
  headers: Headers;
  /** The body as JSON, or the JSON of the last event of a stream; undefined for an empty body. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  json: any;
  text: string;
}

/** Starts a backend with the MCP plugin and the probe plugin, and returns ways to talk to it over plain HTTP. */
export async function startProbe(options: { config?: JsonObject; features?: unknown[] } = {}) {
  const { plugin, probe } = createProbePlugin();
  const app = await startTestApp({
    features: [mcpFeatures, plugin, ...(options.features ?? [])] as never,
    config: {
      ...options.config,
      backend: {
        actions: { pluginSources: ['probe'] },
        ...(options.config?.backend as JsonObject | undefined),
      },
    },
  });
  const url = `${app.url}/api/mcp-actions/v1`;

  const send = async (
    body: unknown,
    { path = '', method = 'POST', token = app.token, headers = {} }: SendOptions = {},
  ): Promise<Answer> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(token !== null && { Authorization: `Bearer ${token}` }),
        ...(method === 'POST' && { 'Content-Type': 'application/json' }),
        Accept: 'application/json, text/event-stream',
        ...headers,
      },
      ...(method === 'POST' && { body: toBody(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: readJson(text) };
  };
  const request = (method: string, params: JsonObject = {}, options: SendOptions = {}) =>
    send({ jsonrpc: '2.0', id: 1, method, params }, options);
  const call = (name: string, args: JsonObject = {}, options: SendOptions = {}) =>
    request('tools/call', { name, arguments: args }, options);
  return { ...app, origin: app.url, url, probe, send, request, call };
}

export interface SendOptions {
  /** After `/api/mcp-actions/v1`. */
  path?: string;
  method?: string;
  /** Null to send none. */
  token?: string | null;
  headers?: Record<string, string>;
}

/** The envelope of revision 2026-07-28: the headers and the `_meta` that every request carries. */
export function modern(method: string, params: JsonObject = {}, meta: JsonObject = {}) {
  return {
    body: {
      jsonrpc: '2.0',
      id: 1,
      method,
      params: {
        ...params,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientCapabilities': {},
          ...meta,
        },
      },
    },
    headers: {
      'MCP-Protocol-Version': '2026-07-28',
      'Mcp-Method': method,
      ...(typeof params.name === 'string' && { 'Mcp-Name': params.name }),
    } as Record<string, string>,
  };
}

export const initialize = (protocolVersion = '2025-11-25', capabilities: JsonObject = {}) => ({
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion, capabilities, clientInfo: { name: 'test', version: '1' } },
});

function toBody(body: unknown): NonNullable<RequestInit['body']> {
  return typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body);
}

function readJson(text: string): unknown {
  const events = text.split('\n').filter(line => line.startsWith('data: '));
  const json = events.length > 0 ? events.at(-1)?.slice('data: '.length) : text;
  try {
    return json ? JSON.parse(json) : undefined;
  } catch {
    return undefined;
  }
}
