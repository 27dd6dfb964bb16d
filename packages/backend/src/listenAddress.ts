import type { Config } from '@backstage/config';

/** Where the server listens. */
export interface ListenAddress {
  /** Empty for all network interfaces. */
  host: string;
  port: number;
}

const defaultPort = 7007;
const unusable = -1;

/**
 * Reads `backend.listen` as Backstage does: `<port>`, `:<port>`, `<host>:<port>`, or `host` and `port`.
 *
 * @param mistakes - what cannot be used is added here, and `undefined` returned.
 */
export function readListenAddress(config: Config, mistakes: string[]): ListenAddress | undefined {
  const listen = config.getOptional('backend.listen');
  const { host = '', port = defaultPort } = splitAddress(listen);
  if (typeof host !== 'string' || !isPort(port)) {
    mistakes.push(
      `backend.listen: expected host and port, or <host>:<port> with a port from 0 to 65535, got ${JSON.stringify(listen)}`,
    );
    return undefined;
  }
  return { host, port: Number(port) };
}

/** Whether only programs on this machine can connect. */
export function isLoopback({ host }: ListenAddress): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function splitAddress(listen: unknown): { host?: unknown; port?: unknown } {
  if (listen === undefined) {
    return {};
  }
  if (typeof listen === 'string') {
    const [, host, port = unusable] = /^(?:([^:]*):)?(\d+)$/.exec(listen) ?? [];
    return { host, port };
  }
  return typeof listen === 'object' && listen !== null && !Array.isArray(listen) ? listen : { port: unusable };
}

function isPort(port: unknown): boolean {
  return (
    (typeof port === 'number' || (typeof port === 'string' && /^\d+$/.test(port))) &&
    Number(port) >= 0 &&
    Number(port) <= 65_535
  );
}
