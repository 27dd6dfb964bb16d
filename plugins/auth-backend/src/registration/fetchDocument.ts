import { guardedRequest, type LookupAll } from '@callboard/outbound-http';

const MAX_BYTES = 64 * 1024;
const TIMEOUT_MS = 10_000;
/** Anybody can make the server fetch; it must not become a tool against the sites that it may fetch from. */
const MAX_PER_MINUTE = 120;
const MINUTE_MS = 60_000;
/** The same for every reason, so that nobody learns which addresses and ports answer. */
const FAILURE = 'The document cannot be fetched';

export interface DocumentFetchOptions {
  /** Whether this document may be in a private network, because the operator named it. */
  allowsPrivate(url: string): boolean;
  /** Certificates to trust instead of the usual ones. */
  ca?: string | Buffer;
  lookup?: LookupAll;
  now?: () => number;
}

/** Makes a `fetch` for documents that strangers name: JSON only, and bounded in size, time and number. */
export function createDocumentFetch(options: DocumentFetchOptions): typeof fetch {
  const { ca, lookup, now = Date.now } = options;
  let minute = { startedAtMs: now(), count: 0 };

  return async (input, init) => {
    if (now() - minute.startedAtMs >= MINUTE_MS) {
      minute = { startedAtMs: now(), count: 0 };
    }
    minute.count += 1;
    if (minute.count > MAX_PER_MINUTE) {
      throw new Error(FAILURE);
    }
    const url = new URL(input instanceof Request ? input.url : input);
    try {
      return await fetchJson(url, init?.signal ?? undefined);
    } catch (cause) {
      throw new Error(FAILURE, { cause });
    }
  };

  async function fetchJson(url: URL, signal: AbortSignal | undefined): Promise<Response> {
    const { status, headers, body } = await guardedRequest({
      url,
      headers: { accept: 'application/json' },
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
      signal,
      allowsPrivate: options.allowsPrivate(url.href),
      ca,
      lookup,
    });
    const { 'content-type': contentType = '', 'cache-control': cacheControl } = headers;
    const isJson = /^application\/([a-z.+-]+\+)?json\b/i.test(contentType);
    if (status !== 200 || !isJson || headers['content-encoding']) {
      throw new Error(`answer ${status} ${contentType}`);
    }
    return new Response(new Uint8Array(body), {
      status: 200,
      headers: { 'content-type': 'application/json', ...(cacheControl && { 'cache-control': cacheControl }) },
    });
  }
}
