/** @typedef {'stateless' | 'modern' | 'session' | 'sse'} ClientKind */

export const mcpPath = '/api/mcp-actions/v1';
const clientInfo = { name: 'faults', version: '1.0.0' };
const acceptAll = 'application/json, text/event-stream';

export const modernEnvelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': clientInfo,
};

export function callMessage({ tool, args, rpcId = 1 }) {
  return { jsonrpc: '2.0', id: rpcId, method: 'tools/call', params: { name: tool, arguments: args } };
}

export const initializeMessage = {
  jsonrpc: '2.0',
  id: 'initialize',
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo },
};

export const initializedMessage = { jsonrpc: '2.0', method: 'notifications/initialized' };

export const statelessHeaders = { accept: acceptAll, 'mcp-protocol-version': '2025-06-18' };

export function modernRequest({ method, params, name, rpcId = 1 }) {
  return {
    headers: {
      accept: acceptAll,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(name && { 'mcp-name': name }),
    },
    message: { jsonrpc: '2.0', id: rpcId, method, params: { ...params, _meta: modernEnvelope } },
  };
}

export function sessionHeaders(sessionId) {
  return { accept: acceptAll, 'mcp-protocol-version': '2025-11-25', 'mcp-session-id': sessionId };
}
