import { echoToolName } from './actions.mjs';

const message = 'Five minutes, please: curtain up at half past seven.';

/** @typedef {'tools/call' | 'tools/list'} RequestName */
/** @typedef {'2025' | '2026'} Era */

/**
 * The same bytes for every server: a POST of protocol 2025-06-18 without a session, or of 2026-07-28.
 *
 * @param {object} options
 * @param {RequestName} options.request
 * @param {Era} [options.era]
 * @param {number} options.count How many actions the server has.
 * @param {string} options.token
 * @returns The headers and body of the request, for small answers a text that every right one contains, and a full
 * check of one answer that throws if it is not right.
 */
export function benchRequest({ request, era = '2025', count, token }) {
  const { params, marker, check } = requests[request](count);
  return {
    name: request,
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      ...eraHeaders[era](request, params),
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: request,
      ...(era === '2026' ? { params: { ...params, _meta: envelope } } : params && { params }),
    }),
    marker,
    check,
  };
}

const eraHeaders = {
  2025: () => ({ 'mcp-protocol-version': '2025-06-18' }),
  2026: (method, params) => ({
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(params?.name && { 'mcp-name': params.name }),
  }),
};

const envelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
};

const requests = {
  'tools/call': () => ({
    params: { name: echoToolName, arguments: { message } },
    marker: message,
    check(result) {
      if (result.isError || result.structuredContent?.message !== message) {
        throw new Error(`Expected the message back, got ${excerpt(result)}`);
      }
    },
  }),
  'tools/list': count => ({
    params: undefined,
    marker: undefined,
    check(result) {
      const tools = result.tools ?? [];
      const incomplete = tools.find(tool => !tool.description || tool.inputSchema?.type !== 'object');
      if (tools.length !== count || result.nextCursor || incomplete) {
        throw new Error(
          `Expected ${count} whole tools on one page, got ${tools.length}: ${excerpt(incomplete ?? result)}`,
        );
      }
    },
  }),
};

/**
 * @returns The result in the answer's body, whether it came as JSON or as one event.
 * @throws Error if the answer is not a JSON-RPC result.
 */
export function readResult({ status, contentType, text }) {
  if (status !== 200) {
    throw new Error(`Expected status 200, got ${status}: ${excerpt(text)}`);
  }
  const json = contentType.startsWith('text/event-stream')
    ? text
        .split('\n')
        .filter(line => line.startsWith('data:'))
        .map(line => line.slice('data:'.length))
        .join('\n')
    : text;
  const { result, error } = JSON.parse(json);
  if (!result) {
    throw new Error(`Expected a result, got ${excerpt(error ?? text)}`);
  }
  return result;
}

function excerpt(value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.slice(0, 300);
}
