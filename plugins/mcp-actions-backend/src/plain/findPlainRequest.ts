import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  LOG_LEVEL_META_KEY,
  PROTOCOL_VERSION_META_KEY,
} from '@modelcontextprotocol/server';
import type { HttpRequest } from '../HttpRequest.js';
import type { KnownEnvelopes } from './KnownEnvelopes.js';

export const MODERN_VERSION = '2026-07-28';
/** Names that are the protocol's own (MCP 2026-07-28, `_meta`). */
const RESERVED_PREFIX = 'io.modelcontextprotocol/';
/** What of them says something of the client. */
const ENVELOPE_KEYS: readonly string[] = [
  PROTOCOL_VERSION_META_KEY,
  CLIENT_INFO_META_KEY,
  CLIENT_CAPABILITIES_META_KEY,
  LOG_LEVEL_META_KEY,
];
/** A value in this form is Base64 (MCP 2026-07-28, transports). */
const ENCODED_PREFIX = '=?';
/** The version of a request that does not name one is the oldest of these that has Streamable HTTP. */
const LEGACY_VERSIONS = [undefined, '2025-11-25', '2025-06-18', '2025-03-26'];
const MESSAGE_KEYS = ['jsonrpc', 'id', 'method', 'params'];
const CALL_KEYS = ['name', 'arguments', '_meta'];
const LIST_KEYS = ['_meta'];

type JsonObject = Record<string, unknown>;

/** A request of its own, checked as far as the protocol goes. */
export interface PlainRequest {
  readonly id: string | number;
  readonly method: 'tools/call' | 'tools/list';
  /** Without what the revision of 2026 says of the client. */
  readonly params: { readonly name: string; readonly arguments?: JsonObject };
  readonly meta: JsonObject | undefined;
  /** What a request of the 2026 era says of its client; undefined for the 2025 era. */
  readonly envelope: JsonObject | undefined;
}

/**
 * Recognizes `tools/call` and `tools/list` outside of sessions, where they say nothing but what nearly
 * all of them say. For everything else, above all for what has to be refused, the SDK knows the answer.
 */
export function findPlainRequest(
  { headers }: Pick<HttpRequest, 'headers'>,
  body: unknown,
  envelopes: KnownEnvelopes,
): PlainRequest | undefined {
  if (!isObject(body) || headers['mcp-session-id'] !== undefined || !hasOnly(body, MESSAGE_KEYS)) {
    return undefined;
  }
  const { jsonrpc, id, method, params = {} } = body;
  const isCall = method === 'tools/call';
  if (
    jsonrpc !== '2.0' ||
    !(typeof id === 'string' || Number.isSafeInteger(id)) ||
    !(isCall || method === 'tools/list') ||
    !isObject(params) ||
    !hasOnly(params, isCall ? CALL_KEYS : LIST_KEYS)
  ) {
    return undefined;
  }
  const { name = '', arguments: input, _meta: meta } = params;
  if (
    typeof name !== 'string' ||
    (isCall && name === '') ||
    !(input === undefined || isObject(input)) ||
    !(meta === undefined || (isObject(meta) && isProgressToken(meta.progressToken)))
  ) {
    return undefined;
  }
  const toRequest = (parts: Pick<PlainRequest, 'meta' | 'envelope'>): PlainRequest => ({
    id: id as PlainRequest['id'],
    method: method as PlainRequest['method'],
    params: { name, ...(input && { arguments: input }) },
    meta: parts.meta,
    envelope: parts.envelope,
  });
  const version = headers['mcp-protocol-version'];
  if (version !== MODERN_VERSION) {
    const saysMore =
      headers['mcp-method'] !== undefined ||
      headers['mcp-name'] !== undefined ||
      (meta && Object.keys(meta).some(key => key.startsWith(RESERVED_PREFIX)));
    return LEGACY_VERSIONS.includes(version as string | undefined) && !saysMore
      ? toRequest({ envelope: undefined, meta })
      : undefined;
  }
  const isNamed = isCall
    ? headers['mcp-name'] === name && !name.startsWith(ENCODED_PREFIX)
    : headers['mcp-name'] === undefined;
  const parts = divideMeta(params);
  return isNamed &&
    headers['mcp-method'] === method &&
    takesBoth(headers.accept) &&
    parts &&
    envelopes.has(parts.envelope)
    ? toRequest(parts)
    : undefined;
}

/**
 * Parts what a request of the 2026 era says of its client from the rest of its metadata.
 *
 * @returns undefined if it says nothing, or something else of the protocol's.
 */
export function divideMeta(params: unknown): (Pick<PlainRequest, 'meta'> & { envelope: JsonObject }) | undefined {
  const given = isObject(params) ? params._meta : undefined;
  if (!isObject(given) || given[PROTOCOL_VERSION_META_KEY] !== MODERN_VERSION) {
    return undefined;
  }
  const envelope: JsonObject = {};
  let meta: JsonObject | undefined;
  for (const key of Object.keys(given)) {
    if (ENVELOPE_KEYS.includes(key)) {
      envelope[key] = given[key];
    } else if (key.startsWith(RESERVED_PREFIX)) {
      return undefined;
    } else {
      meta = { ...meta, [key]: given[key] };
    }
  }
  return { envelope, meta };
}

function takesBoth(accept: string | undefined): boolean {
  return accept?.includes('application/json') === true && accept.includes('text/event-stream');
}

function isProgressToken(token: unknown): boolean {
  return token === undefined || typeof token === 'string' || Number.isSafeInteger(token);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasOnly(object: JsonObject, keys: readonly string[]): boolean {
  for (const key in object) {
    if (!keys.includes(key)) {
      return false;
    }
  }
  return true;
}
