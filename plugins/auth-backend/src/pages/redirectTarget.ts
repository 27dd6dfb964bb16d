import { InputError } from '@backstage/errors';
import { isLoopbackHost } from '@callboard/pages';

/** Where the browser goes after a decision, in words that a person can check. */
export interface RedirectTarget {
  kind: 'website' | 'this-computer' | 'application';
  /** Host with port for a website or this computer, `scheme://host` for an application. */
  place: string;
  /** What the browser is sent to. */
  href: string;
}

// Browsers run, render or open these themselves, or they reach other programs than the one that asked.
const forbiddenSchemes = new Set([
  'about:',
  'blob:',
  'chrome:',
  'data:',
  'file:',
  'filesystem:',
  'ftp:',
  'intent:',
  'javascript:',
  'mailto:',
  'ms-msdt:',
  'search-ms:',
  'sms:',
  'tel:',
  'vbscript:',
  'view-source:',
  'ws:',
  'wss:',
]);

/**
 * Reads a redirect URI as a browser would.
 *
 * @throws InputError if no browser may be sent there.
 */
export function readRedirectTarget(uri: string): RedirectTarget {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (!url || forbiddenSchemes.has(url.protocol) || url.username || url.password) {
    throw new InputError('The application wants its answer at an address that browsers must not be sent to');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return { kind: 'application', place: `${url.protocol}${url.host ? `//${url.host}` : ''}`, href: url.href };
  }
  return { kind: isLoopbackHost(url.hostname) ? 'this-computer' : 'website', place: url.host, href: url.href };
}
