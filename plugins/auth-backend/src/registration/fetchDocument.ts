import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { request } from 'node:https';
import { isIP } from 'node:net';
import { isPublicAddress } from './publicAddresses.js';

const MAX_BYTES = 64 * 1024;
const TIMEOUT_MS = 10_000;
/** Anybody can make the server fetch; it must not become a tool against the sites that it may fetch from. */
const MAX_PER_MINUTE = 120;
const MINUTE_MS = 60_000;
/** The same for every reason, so that nobody learns which addresses and ports answer. */
const FAILURE = 'The document cannot be fetched';

type LookupAll = (hostname: string, done: (error: Error | null, addresses: LookupAddress[]) => void) => void;

export interface DocumentFetchOptions {
  /** Whether this document may be in a private network, because the operator named it. */
  allowsPrivate(url: string): boolean;
  /** Certificates to trust besides the usual ones. */
  ca?: string | Buffer;
  lookup?: LookupAll;
  now?: () => number;
}

/**
 * Makes a `fetch` for documents that strangers name. It goes only to public addresses, and to the very address that
 * was checked: a name that answers otherwise the second time gains nothing. If any answer is private, none is used.
 * Redirects are not followed; size, time and number are bounded.
 */
export function createDocumentFetch(options: DocumentFetchOptions): typeof fetch {
  const lookupAll: LookupAll =
    options.lookup ?? ((hostname, done) => dnsLookup(hostname, { all: true, verbatim: true }, done));

  const now = options.now ?? Date.now;
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
    const isAllowed = options.allowsPrivate(url.href) ? () => true : isPublicAddress;
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (url.protocol !== 'https:' || (isIP(host) !== 0 && !isAllowed(host))) {
      throw new Error(FAILURE);
    }
    const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(init?.signal ? [init.signal] : [])]);
    return new Promise<Response>((resolve, reject) => {
      const fail = (cause: unknown) => reject(new Error(FAILURE, { cause }));
      const outgoing = request(
        url,
        {
          signal,
          ca: options.ca,
          agent: false,
          headers: { accept: 'application/json', 'accept-encoding': 'identity' },
          lookup: (hostname, wanted, done) => {
            lookupAll(hostname, (error, addresses) => {
              const [first] = addresses ?? [];
              if (error || !first || !addresses.every(({ address }) => isAllowed(address))) {
                done(error ?? new Error(`${hostname} has an address that is not public`), '', 0);
              } else if (wanted.all) {
                // Typed for one address; with `all` Node takes the list.
                (done as unknown as (error: null, addresses: LookupAddress[]) => void)(null, [first]);
              } else {
                done(null, first.address, first.family);
              }
            });
          },
        },
        incoming => {
          const chunks: Buffer[] = [];
          let size = 0;
          incoming.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > MAX_BYTES) {
              incoming.destroy(new Error('too large'));
            }
            chunks.push(chunk);
          });
          incoming.on('error', fail);
          incoming.on('end', () => {
            const isJson = /^application\/([a-z.+-]+\+)?json\b/i.test(incoming.headers['content-type'] ?? '');
            if (incoming.statusCode !== 200 || !isJson || incoming.headers['content-encoding']) {
              fail(new Error(`answer ${incoming.statusCode} ${incoming.headers['content-type']}`));
              return;
            }
            const { 'cache-control': cacheControl } = incoming.headers;
            resolve(
              new Response(Buffer.concat(chunks), {
                status: 200,
                headers: { 'content-type': 'application/json', ...(cacheControl && { 'cache-control': cacheControl }) },
              }),
            );
          });
        },
      );
      outgoing.on('error', fail);
      outgoing.end();
    });
  };
}
