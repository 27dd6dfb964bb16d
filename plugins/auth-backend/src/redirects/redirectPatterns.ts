/**
 * Schemes that browsers run, render or hand to other programs by themselves; no pattern admits them.
 */
const FORBIDDEN_SCHEMES = new Set([
  'about',
  'blob',
  'chrome',
  'data',
  'file',
  'filesystem',
  'ftp',
  'intent',
  'javascript',
  'mailto',
  'ms-msdt',
  'search-ms',
  'sms',
  'tel',
  'vbscript',
  'view-source',
  'ws',
  'wss',
]);

/** Only ASCII that means the same to every parser: no blanks, controls, backslashes, userinfo or fragments. */
const URI_SYNTAX =
  /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/(?<host>\[[0-9a-f:.]+\]|[a-z0-9._-]*)(?::(?<port>\d{1,5}))?(?<path>\/[\w.~%!$&'()*+,;=:@/-]*)?(?:\?(?<query>[\w.~%!$&'()*+,;=:@/?-]*))?$/i;
const PATTERN_SYNTAX =
  /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/(?<host>\[[0-9a-f:.]+\]|[a-z0-9.*_-]+)(?::(?<port>\d{1,5}|\*))?(?<path>\/[\w.~%!$&'()*+,;=:@/-]*)?(?:\?(?<query>[\w.~%!$&'()*+,;=:@/?-]*))?$/i;

const DEFAULT_PORTS: Record<string, string | undefined> = { http: '80', https: '443' };

interface Parts {
  scheme: string;
  host: string;
  port: string | undefined;
  path: string | undefined;
  query: string | undefined;
}

/**
 * What is wrong with a pattern such as `https://app.example.com/callback/*` or `http://127.0.0.1:*\/*`.
 *
 * @returns undefined if it can be used.
 */
export function findPatternMistake(pattern: string): string | undefined {
  const parts = parse(pattern, PATTERN_SYNTAX);
  if (!parts) {
    return 'expected scheme://host[:port][/path], where * stands for a part';
  }
  return FORBIDDEN_SCHEMES.has(parts.scheme) ? `the scheme ${parts.scheme} is never allowed` : undefined;
}

/**
 * Whether the URI is one that a browser may be sent to at all, whatever the configuration allows.
 */
export function isSafeRedirectUri(uri: string): boolean {
  return readUri(uri) !== undefined;
}

/**
 * Matches component by component, so that a `*` never reaches over a border: in a host it stands for characters
 * of one label (alone: any host), as a port for any port, in a path or query for anything. A pattern of an
 * application's own scheme without a path, `cursor://*`, admits every path.
 */
export function matchesRedirectPattern(uri: string, patterns: readonly string[]): boolean {
  const actual = readUri(uri);
  return (
    actual !== undefined &&
    patterns.some(pattern => {
      const wanted = parse(pattern, PATTERN_SYNTAX);
      return wanted !== undefined && !FORBIDDEN_SCHEMES.has(wanted.scheme) && matches(actual, wanted);
    })
  );
}

function matches(actual: Parts, wanted: Parts): boolean {
  const isWeb = wanted.scheme in DEFAULT_PORTS;
  const anyPath = !isWeb && wanted.path === undefined;
  return (
    actual.scheme === wanted.scheme &&
    matchesHost(actual.host, wanted.host) &&
    (wanted.port === '*' || portOf(actual) === portOf(wanted)) &&
    (anyPath || matchesText(pathOf(actual), pathOf(wanted))) &&
    (wanted.query === undefined ? actual.query === undefined : matchesText(actual.query ?? '', wanted.query))
  );
}

function matchesHost(host: string, pattern: string): boolean {
  if (pattern === '*') {
    return host !== '';
  }
  const labels = host.split('.');
  const wanted = pattern.split('.');
  return (
    labels.length === wanted.length &&
    labels.every((label, index) => label !== '' && matchesText(label, wanted[index] as string))
  );
}

/** Takes each star's shortest reach and widens only the last one: no pattern makes this slow. */
function matchesText(text: string, pattern: string): boolean {
  let at = 0;
  let inPattern = 0;
  let lastStar = -1;
  let reach = 0;
  while (at < text.length) {
    if (pattern[inPattern] === '*') {
      lastStar = inPattern;
      reach = at;
      inPattern += 1;
    } else if (pattern[inPattern] === text[at]) {
      at += 1;
      inPattern += 1;
    } else if (lastStar >= 0) {
      reach += 1;
      at = reach;
      inPattern = lastStar + 1;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(inPattern));
}

function portOf({ scheme, port }: Parts): string | undefined {
  return port ?? DEFAULT_PORTS[scheme];
}

function pathOf({ path }: Parts): string {
  return path ?? '/';
}

function readUri(uri: string): Parts | undefined {
  const parts = parse(uri, URI_SYNTAX);
  if (!parts || FORBIDDEN_SCHEMES.has(parts.scheme) || !URL.canParse(uri)) {
    return undefined;
  }
  // What a browser makes of the host must be what is written: `127.1`, `0x7f000001` and `%2e` are not.
  if (new URL(uri).hostname !== parts.host || (parts.host === '' && parts.scheme in DEFAULT_PORTS)) {
    return undefined;
  }
  return hasTraversal(parts.path ?? '') ? undefined : parts;
}

/** Dot segments, plain or encoded, and separators that some servers decode (RFC 3986 §6.2.2.3). */
function hasTraversal(path: string): boolean {
  return /%2f|%5c|%00|%0[ad]/i.test(path) || path.split('/').some(segment => /^(\.|%2e){1,2}$/i.test(segment));
}

function parse(text: string, syntax: RegExp): Parts | undefined {
  const groups = syntax.exec(text)?.groups;
  return (
    groups && {
      scheme: (groups.scheme as string).toLowerCase(),
      host: (groups.host as string).toLowerCase(),
      port: groups.port,
      path: groups.path,
      query: groups.query,
    }
  );
}
