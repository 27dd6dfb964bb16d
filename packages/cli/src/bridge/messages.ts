export type JsonRpcId = string | number;

/** A JSON-RPC 2.0 message of either side; nothing beyond that is looked at. */
export interface Message {
  readonly jsonrpc: '2.0';
  readonly id?: JsonRpcId | null;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export interface Request extends Message {
  readonly id: JsonRpcId;
  readonly method: string;
}

export interface Notification extends Message {
  readonly method: string;
}

export interface Response extends Message {
  readonly id: JsonRpcId | null;
}

export const INTERNAL_ERROR = -32603;
export const INVALID_REQUEST = -32600;
export const HEADER_MISMATCH = -32020;
const VERSION_META_KEY = 'io.modelcontextprotocol/protocolVersion';

export function isMessage(value: unknown): value is Message {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return false;
  }
  const { jsonrpc, id, method, params, result, error } = value as Record<string, unknown>;
  const hasId = typeof id === 'string' || typeof id === 'number';
  if (jsonrpc !== '2.0' || (params !== undefined && (typeof params !== 'object' || params === null))) {
    return false;
  }
  return typeof method === 'string'
    ? hasId || id === undefined
    : (hasId || id === null) && (result !== undefined || (typeof error === 'object' && error !== null));
}

export function isRequest(message: Message): message is Request {
  return message.method !== undefined && message.id !== undefined;
}

export function isNotification(message: Message): message is Notification {
  return message.method !== undefined && message.id === undefined;
}

export function isResponse(message: Message): message is Response {
  return message.method === undefined;
}

/** The revision that a request names by itself (MCP 2026-07-28); those of the 2025 era name none. */
export function findEnvelopeVersion({ params }: Message): string | undefined {
  const meta = params?._meta as Record<string, unknown> | undefined;
  const version = meta?.[VERSION_META_KEY];
  return typeof version === 'string' ? version : undefined;
}

export function errorResponse(
  id: JsonRpcId | null,
  error: { code: number; message: string; data?: unknown },
): Response {
  return { jsonrpc: '2.0', id, error };
}
