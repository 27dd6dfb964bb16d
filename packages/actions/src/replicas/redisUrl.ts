const DEFAULT_PORT = '6379';

/** Why a text is no address of a Redis; undefined if it is one. */
export function findUrlMistake(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') {
    return 'expected redis://[user:password@]host[:port][/database], or rediss:// for TLS';
  }
  if (!/^(\/\d*)?$/.test(url.pathname) || url.search !== '' || url.hash !== '') {
    return 'expected nothing but the number of a database after host and port';
  }
  return undefined;
}

/** Host and port, for people. */
export function addressOf(url: string): string {
  const { hostname, port } = new URL(url);
  return `${hostname}:${port || DEFAULT_PORT}`;
}

/** A text that may repeat the password of an address. */
export function withoutPassword(text: string, url: string): string {
  const { password } = new URL(url);
  return [password, decoded(password)]
    .filter(secret => secret !== '')
    .reduce((masked, secret) => masked.replaceAll(secret, '***'), text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
