import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { type IncomingHttpHeaders, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isPublicAddress } from './publicAddresses.js';

export type LookupAll = (hostname: string, done: (error: Error | null, addresses: LookupAddress[]) => void) => void;

export interface GuardedRequestOptions {
  url: string | URL;
  /** Defaults to GET. */
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
  /** From the start of the look-up to the end of the answer. */
  timeoutMs: number;
  /** Of the answer's body. */
  maxBytes: number;
  signal?: AbortSignal;
  /** Whether the place may be in a private network, because the operator named it. Defaults to false. */
  allowsPrivate?: boolean;
  /** Whether it may be asked without TLS. Defaults to false. */
  allowsPlainHttp?: boolean;
  /** Certificates to trust instead of the usual ones. */
  ca?: string | Buffer;
  lookup?: LookupAll;
}

export interface GuardedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** As it came: compressed answers are not asked for, and not unpacked. */
  readonly body: Buffer;
}

/**
 * Asks a place that somebody else has named. Goes only to public addresses, and to the very ones
 * that were checked: a name that answers otherwise the second time gains nothing. If any answer is
 * private, none is used. Redirects are answers like any other; size and time are bounded.
 *
 * @throws Error with the reason, which may tell what answers in the server's own network: not for
 * strangers. The URL is not part of it.
 */
export async function guardedRequest(options: GuardedRequestOptions): Promise<GuardedAnswer> {
  const { method = 'GET', headers, body, maxBytes, lookup = lookUpAll } = options;
  const url = new URL(options.url);
  const isAllowed = options.allowsPrivate ? () => true : isPublicAddress;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && options.allowsPlainHttp)) {
    throw new Error(`${url.protocol} is not allowed`);
  }
  if (isIP(host) !== 0 && !isAllowed(host)) {
    throw new Error(`${host} is not a public address`);
  }
  const signal = AbortSignal.any([AbortSignal.timeout(options.timeoutMs), ...(options.signal ? [options.signal] : [])]);
  const request = url.protocol === 'https:' ? requestTls : requestPlain;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method,
        headers: { 'accept-encoding': 'identity', ...headers },
        signal,
        ca: options.ca,
        // Not from a pool: a connection of somebody else's was made under other rules.
        agent: false,
        lookup: guardedLookup(lookup, isAllowed),
      },
      incoming => {
        const chunks: Buffer[] = [];
        let size = 0;
        incoming.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > maxBytes) {
            incoming.destroy(new Error(`The answer is larger than ${maxBytes} bytes`));
          }
          chunks.push(chunk);
        });
        incoming.on('error', reject);
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Node connects to what this gives, and asks no second time. */
function guardedLookup(lookup: LookupAll, isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, wanted, done) => {
    lookup(hostname, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error || !first || !addresses.every(({ address }) => isAllowed(address))) {
        done(error ?? new Error(`${hostname} has ${first ? 'an address that is not public' : 'no address'}`), '');
      } else if (wanted.all) {
        done(null, addresses);
      } else {
        done(null, first.address, first.family);
      }
    });
  };
}

const lookUpAll: LookupAll = (hostname, done) => dnsLookup(hostname, { all: true, verbatim: true }, done);
