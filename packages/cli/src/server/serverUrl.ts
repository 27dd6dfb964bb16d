import { UsageError } from '../errors.js';

const MCP_PATH = '/api/mcp-actions/v1';
const mcpPathPattern = /^(.*)\/api\/mcp-actions\/v1(?:\/([a-z0-9][a-z0-9-]*))?(?:\/sse)?\/?$/;

/** Where things are. */
export interface ServerUrls {
  /** Of the MCP server. */
  readonly mcp: URL;
  /** Of the backend around it, without a slash at the end; `undefined` where the path of the MCP server does not tell. */
  readonly backend?: string;
  /** Of a named MCP server. */
  readonly serverKey?: string;
}

/**
 * @param given - the URL of an MCP server; an address without a path is that of a Callboard backend.
 * @param name - what the user calls it, for messages.
 */
export function readServerUrl(given: string, name: string): ServerUrls {
  if (!URL.canParse(given)) {
    throw new UsageError(
      `${name}: expected a URL such as http://localhost:7007${MCP_PATH}, got ${JSON.stringify(given)}`,
    );
  }
  const mcp = new URL(given);
  if (mcp.protocol !== 'http:' && mcp.protocol !== 'https:') {
    throw new UsageError(`${name}: expected http or https, got ${mcp.protocol.slice(0, -1)}`);
  }
  if (mcp.username || mcp.password) {
    throw new UsageError(`${name}: expected no user name or password in the URL; give a token instead`);
  }
  mcp.hash = '';
  if (mcp.pathname === '/' && !mcp.search) {
    mcp.pathname = MCP_PATH;
  }
  const [, prefix, key] = mcpPathPattern.exec(mcp.pathname) ?? [];
  return {
    mcp,
    ...(prefix !== undefined && { backend: `${mcp.origin}${prefix}` }),
    ...(key && key !== 'sse' && { serverKey: key }),
  };
}

/** Where the MCP plugin serves a server: the default one, or the named one of that key. */
export function mcpPath(serverKey: string | undefined): string {
  return serverKey === undefined ? MCP_PATH : `${MCP_PATH}/${serverKey}`;
}

/** @throws UsageError if it cannot be the key of a named server. */
export function readServerKey(given: string | undefined, name: string): string | undefined {
  if (given !== undefined && (!/^[a-z0-9][a-z0-9-]*$/.test(given) || given === 'sse')) {
    throw new UsageError(
      `${name}: expected a key of mcpActions.servers, of a to z, 0 to 9 and "-", got ${JSON.stringify(given)}`,
    );
  }
  return given;
}

export function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}
