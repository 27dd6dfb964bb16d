import { RefusedRequest } from './RefusedRequest.js';

const MAX_KNOWN = 100;
const LOOPBACK_HOSTNAMES = ['localhost', '127.0.0.1', '[::1]'];

/** What of a request tells where it comes from and where it was meant to go. */
export interface RequestSource {
  /** The request target as it came, normally a path. */
  target: string;
  /** Every `Host` header that came; there must be one (RFC 9112 §3.2). */
  hosts: readonly string[];
  origin: string | undefined;
}

/**
 * Makes the check of `Host` and `Origin` that keeps web pages of others from reaching the server
 * through a visitor's browser (DNS rebinding; MCP 2025-11-25, transports, security warning).
 *
 * Requests without `Origin` are not from a browser's page and pass. Loopback names are always good
 * hosts; loopback origins only where the backend itself is at a loopback address.
 */
export function createSourceCheck(options: {
  baseUrl: URL;
  allowedHosts: readonly string[];
  allowedOrigins: readonly string[];
}): (source: RequestSource) => void {
  const { baseUrl } = options;
  const anyHost = options.allowedHosts.includes('*');
  const hosts = new Set([baseUrl.host, ...options.allowedHosts]);
  const origins = new Set([baseUrl.origin, ...options.allowedOrigins]);
  const isAtLoopback = isLoopback(baseUrl.hostname);
  /** What was found good, so that it need not be parsed for every request. */
  const known = new Set<string>();

  return ({ target, hosts: given, origin }) => {
    const [host, ...others] = given;
    if (!target.startsWith('/')) {
      throw new RefusedRequest(403, 'The request target must be a path');
    }
    if (origin === undefined && others.length === 0 && host !== undefined && known.has(host)) {
      return;
    }
    const url = host === undefined || others.length > 0 ? undefined : parseHost(host);
    if (!anyHost && !(url && (hosts.has(url.host) || hosts.has(url.hostname) || isLoopback(url.hostname)))) {
      throw new RefusedRequest(
        403,
        `Host ${JSON.stringify(given.join(', '))} is not served here; names other than that of backend.baseUrl belong in mcpActions.allowedHosts`,
      );
    }
    if (origin !== undefined && !origins.has(origin) && !(isAtLoopback && isLoopbackOrigin(origin))) {
      throw new RefusedRequest(
        403,
        `Origin ${JSON.stringify(origin)} may not call this server; origins that may belong in mcpActions.allowedOrigins`,
      );
    }
    if (host !== undefined && known.size < MAX_KNOWN) {
      known.add(host);
    }
  };
}

/** @returns undefined unless the header is exactly a host and perhaps a port, in lower case. */
function parseHost(host: string): URL | undefined {
  const text = `http://${host}`;
  if (!/^[^/?#@\\\s]+$/.test(host) || !URL.canParse(text)) {
    return undefined;
  }
  const url = new URL(text);
  return url.host === host || `${url.host}:80` === host ? url : undefined;
}

function isLoopback(hostname: string): boolean {
  return LOOPBACK_HOSTNAMES.includes(hostname);
}

function isLoopbackOrigin(origin: string): boolean {
  return URL.canParse(origin) && new URL(origin).origin === origin && isLoopback(new URL(origin).hostname);
}
