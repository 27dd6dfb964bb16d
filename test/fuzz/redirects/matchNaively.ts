/** Parts of a URI or of a pattern, cut by hand. */
export interface NaiveParts {
  readonly scheme: string;
  readonly host: string;
  readonly port: string | undefined;
  readonly path: string | undefined;
  readonly query: string | undefined;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';
const IN_SCHEME = `${LETTERS}${DIGITS}+.-`;
const IN_HOST = `${LETTERS}${DIGITS}._-`;
const IN_PATH = `${LETTERS}${LETTERS.toUpperCase()}${DIGITS}_.~%!$&'()*+,;=:@/-`;

/** Browsers run these, or hand them to other programs. */
const NEVER =
  'about blob chrome data file filesystem ftp intent javascript mailto ms-msdt search-ms sms tel vbscript view-source ws wss'.split(
    ' ',
  );

const isMadeOf = (text: string, letters: string) => [...text].every(letter => letters.includes(letter));

/** @returns undefined for what is not `scheme://host[:port][/path][?query]` in plain letters. */
export function cutNaively(text: string, isPattern: boolean): NaiveParts | undefined {
  const colon = text.indexOf('://');
  if (colon <= 0) {
    return undefined;
  }
  const scheme = lower(text.slice(0, colon));
  const rest = text.slice(colon + 3);
  const questionMark = rest.indexOf('?');
  const beforeQuery = questionMark < 0 ? rest : rest.slice(0, questionMark);
  const query = questionMark < 0 ? undefined : rest.slice(questionMark + 1);
  const slash = beforeQuery.indexOf('/');
  const authority = slash < 0 ? beforeQuery : beforeQuery.slice(0, slash);
  const path = slash < 0 ? undefined : beforeQuery.slice(slash);

  const closing = authority.startsWith('[') ? authority.indexOf(']') : -1;
  const portColon = authority.indexOf(':', closing + 1);
  const host = lower(portColon < 0 ? authority : authority.slice(0, portColon));
  const port = portColon < 0 ? undefined : authority.slice(portColon + 1);

  const isHost = host.startsWith('[')
    ? closing === host.length - 1 && host.length > 2 && isMadeOf(host.slice(1, -1), '0123456789abcdef:.')
    : isMadeOf(host, isPattern ? `${IN_HOST}*` : IN_HOST) && (host !== '' || !isPattern);
  const isPort =
    port === undefined ||
    (port.length >= 1 && port.length <= 5 && isMadeOf(port, DIGITS)) ||
    (isPattern && port === '*');
  const isScheme = LETTERS.includes(scheme[0] as string) && isMadeOf(scheme, IN_SCHEME);
  const isRest = isMadeOf(path ?? '', IN_PATH) && isMadeOf(query ?? '', `${IN_PATH}?`);
  return isScheme && isHost && isPort && isRest ? { scheme, host, port, path, query } : undefined;
}

/** Whether a browser may be sent there at all. */
export function isSafeNaively(uri: string): NaiveParts | undefined {
  const parts = cutNaively(uri, false);
  const isWeb = parts?.scheme === 'http' || parts?.scheme === 'https';
  if (!parts || NEVER.includes(parts.scheme) || (isWeb && parts.host === '') || Number(parts.port ?? 0) > 65_535) {
    return undefined;
  }
  if (!URL.canParse(uri) || new URL(uri).hostname !== parts.host) {
    return undefined;
  }
  const path = lower(parts.path ?? '');
  const leadsAway = path.split('/').some(segment => ['.', '..'].includes(segment.replaceAll('%2e', '.')));
  const isSplit = ['%2f', '%5c', '%00', '%0a', '%0d'].some(code => path.includes(code));
  return leadsAway || isSplit ? undefined : parts;
}

/** What the documentation says of patterns, tried in every way. */
export function matchesNaively(uri: string, pattern: string): boolean {
  const actual = isSafeNaively(uri);
  const wanted = cutNaively(pattern, true);
  if (!actual || !wanted || NEVER.includes(wanted.scheme) || actual.scheme !== wanted.scheme) {
    return false;
  }
  const isWeb = wanted.scheme === 'http' || wanted.scheme === 'https';
  const usual = wanted.scheme === 'http' ? '80' : wanted.scheme === 'https' ? '443' : 'none';
  const isPort = wanted.port === '*' || (actual.port ?? usual) === (wanted.port ?? usual);
  const isPath = (!isWeb && wanted.path === undefined) || fits(actual.path ?? '/', wanted.path ?? '/');
  const isQuery = wanted.query === undefined ? actual.query === undefined : fits(actual.query ?? '', wanted.query);
  return isHostFit(actual.host, wanted.host) && isPort && isPath && isQuery;
}

function isHostFit(host: string, pattern: string): boolean {
  if (pattern === '*') {
    return host !== '';
  }
  const labels = host.split('.');
  const patterns = pattern.split('.');
  return (
    labels.length === patterns.length &&
    labels.every((label, at) => label !== '' && fits(label, patterns[at] as string))
  );
}

/** Fills a table of which beginnings fit which. */
function fits(text: string, pattern: string): boolean {
  let row = [true, ...Array.from(text, () => false)];
  for (const letter of pattern) {
    const next = [letter === '*' && (row[0] as boolean)];
    for (let at = 0; at < text.length; at += 1) {
      next.push(
        letter === '*'
          ? (next[at] as boolean) || (row[at + 1] as boolean)
          : (row[at] as boolean) && text[at] === letter,
      );
    }
    row = next;
  }
  return row.at(-1) as boolean;
}

const lower = (text: string) => text.replace(/[A-Z]/g, letter => LETTERS[letter.charCodeAt(0) - 65] as string);
