import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** HTTP without limits of time: a call may wait for a person. */
export interface HttpClient {
  readonly fetch: Fetch;
  close(): Promise<void>;
}

/** @param options.hasProxies - whether those of the environment are used. */
export function createHttpClient({ hasProxies = true }: { hasProxies?: boolean } = {}): HttpClient {
  // Loaded with the first client, so that no command pays for it that asks nobody.
  const { Agent, EnvHttpProxyAgent, fetch: undiciFetch }: typeof import('undici') = require('undici');
  const timeouts = { headersTimeout: 0, bodyTimeout: 0 };
  const dispatcher = hasProxies ? new EnvHttpProxyAgent(timeouts) : new Agent(timeouts);
  return {
    // Redirects are left to whoever gave the URL: a token must not follow one.
    fetch: (url, init) =>
      undiciFetch(String(url), { redirect: 'manual', ...(init as object), dispatcher }) as unknown as Promise<Response>,
    close: () => dispatcher.destroy(),
  };
}

const notSentCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Whether no byte of a request has left: it can be made again. */
export function wasNeverSent(error: unknown): boolean {
  return someCause(error, ({ code }) => code !== undefined && notSentCodes.has(code));
}

/** Whether the network failed, rather than something here. */
export function isNetworkError(error: unknown): boolean {
  return someCause(
    error,
    ({ code, message }) =>
      (code !== undefined && (notSentCodes.has(code) || code.startsWith('UND_ERR_') || /^E[A-Z]+$/.test(code))) ||
      message === 'terminated' ||
      message === 'fetch failed',
  );
}

function someCause(thrown: unknown, holds: (error: { code?: string; message?: string }) => boolean): boolean {
  let error = thrown as { code?: string; message?: string; cause?: unknown; errors?: unknown[] } | undefined;
  for (let depth = 0; depth < 5 && error; depth += 1) {
    if (holds(error) || error.errors?.some(each => someCause(each, holds))) {
      return true;
    }
    error = error.cause as typeof error;
  }
  return false;
}
