import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Message } from './StdioRelay.js';

const VERSION = 'io.modelcontextprotocol/protocolVersion';
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
const INVALID_PARAMS = -32602;
const HEADER_MISMATCH = -32020;

/** Which field a request is known by in `Mcp-Name`. */
const nameFields: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

const statuses: Readonly<Record<number, number>> = {
  [-32600]: 400,
  [-32601]: 404,
  [INVALID_PARAMS]: 400,
  [HEADER_MISMATCH]: 400,
  [-32021]: 400,
  [-32022]: 400,
};

/** The HTTP status that goes with a JSON-RPC error (MCP 2026-07-28, transports). */
export function httpStatusOf(code: number | undefined): number {
  return (code !== undefined && statuses[code]) || 200;
}

/** Whether a request names this machine as its host, and comes from none other's page. */
export function isLocal({ headers: { host, origin } }: IncomingMessage): boolean {
  const names = [`http://${host}`, ...(origin === undefined ? [] : [origin])];
  return names.every(
    name => URL.canParse(name) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(name).hostname),
  );
}

/** What is missing in a request of the 2026 era, or does not fit its headers. */
export function checkEnvelope(
  { method = '', params }: Message,
  headers: IncomingHttpHeaders,
): { code: number; message: string } | undefined {
  const field = nameFields[method];
  const expected: Record<string, unknown> = {
    'mcp-protocol-version': params?._meta?.[VERSION],
    'mcp-method': method,
    ...(field !== undefined && { 'mcp-name': params?.[field] }),
  };
  const missing = [VERSION, CAPABILITIES].find(key => params?._meta?.[key] === undefined);
  if (missing !== undefined) {
    return { code: INVALID_PARAMS, message: `Invalid params: _meta has no "${missing}"` };
  }
  const wrong = Object.keys(expected).find(name => decode(headers[name]) !== expected[name]);
  return wrong === undefined
    ? undefined
    : { code: HEADER_MISMATCH, message: `Header mismatch: ${wrong} does not say what the body says` };
}

function decode(value: string | string[] | undefined): string | undefined {
  const [, encoded] = /^=\?base64\?(.*)\?=$/.exec(String(value)) ?? [];
  return encoded === undefined ? value?.toString() : Buffer.from(encoded, 'base64').toString('utf8');
}
