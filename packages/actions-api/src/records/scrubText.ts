/** Takes the place of what nobody is to read. */
export const MASK = '***';

const SECRET_KEY =
  /passw(or)?d|passphrase|passcode|^pwd|pwd$|secret|apikey|accesskey|privatekey|signingkey|encryptionkey|credential|authorization|cookie|bearer|mnemonic|seedphrase|connectionstring|^(auth|jwt|otp|pin|cvv|cvc)$/;
const SESSION_KEY = /^(php)?sess(ion)?id$/;

/** Whether a field of this name holds a secret. Counts such as `maxTokens: 100` are none. */
export function isSecretField(key: string, value: unknown): boolean {
  const name = key.toLowerCase().replace(/[^a-z0-9]/g, '');
  if (SECRET_KEY.test(name) || SESSION_KEY.test(name)) {
    return true;
  }
  return name.includes('token') && typeof value !== 'number' && typeof value !== 'boolean';
}

const NAMES =
  '(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|signing[_-]?key)';

const VALUE = `("[^"]*"?|'[^']*'?|[^\\s,;&"'}\\])]+)`;

// Each takes time linear in the length of the text: a match starts with a fixed text or at the start of a run, and
// what follows is bounded or used up.
const patterns: [RegExp, string][] = [
  [/-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----(?:(?!-----END)[\s\S])*(?:-----END [A-Z0-9 ]{0,40}-----)?/g, MASK],
  [/(?<![\w-])eyJ[\w-]{6,}\.[\w-]+(?:\.[\w-]*)*/g, MASK],
  [/((?:authorization|cookie)\\*["']?\s{0,4}[:=]\s{0,4})[^\r\n"'}]+/gi, `$1${MASK}`],
  [/\b(bearer)([ \t]{1,8})[\w.~+/=-]{6,}/gi, `$1$2${MASK}`],
  [/\b(Basic|Digest|Negotiate)([ \t]{1,8})[\w.~+/=-]{6,}/g, `$1$2${MASK}`],
  [/:\/\/[^\s/?#"'<>]+@/g, `://${MASK}@`],
  [/(?<!\bhttps?):\/\/[^\s/?#"'<>@:]*:[^\s@"'<>]{1,256}@/gi, `://${MASK}@`],
  [
    /(?<![\w-])(?:gh[pousr]_|github_pat_|glpat-|npm_|hf_|dop_v1_|shp(?:at|ss|ca)_|whsec_|pypi-|xox[a-z]-|xapp-)[\w-]{8,}/g,
    MASK,
  ],
  [/(?<![\w-])(?:sk|pk|rk)[-_][\w-]{16,}/g, MASK],
  [/(?<![\w-])(?:AKIA|ASIA)[A-Z0-9]{16}/g, MASK],
  [/(?<![\w-])AIza[\w-]{30,}/g, MASK],
  [/(?<![\w-])(?:ya29|SG)\.[\w.-]{16,}/g, MASK],
  [/([?&](?:code|sig|signature|auth|[\w-]{0,30}(?:token|secret|password|signature|key))=)[^\s&#"']+/gi, `$1${MASK}`],
  [new RegExp(`(${NAMES}\\\\*["']?\\s{0,4}[=:]\\s{0,4}\\\\*)${VALUE}`, 'gi'), `$1${MASK}`],
  [/\b((?:identified by|password)\s{1,4})('[^']*'?|"[^"]*"?)/gi, `$1${MASK}`],
];

/** Every text that one of the patterns changes has one of these in it; nearly all texts have none. */
const CLUES =
  /-----BEGIN|eyJ|authorization|cookie|bearer|basic|digest|negotiate|:\/\/|gh[pousr]_|github_pat_|glpat-|npm_|hf_|dop_v1_|shp(?:at|ss|ca)_|whsec_|pypi-|xox[a-z]-|xapp-|[spr]k[-_]|AKIA|ASIA|AIza|ya29|SG\.|[?&]|passw(?:or)?d|pwd|passphrase|secret|token|key|identified by/i;

/**
 * Hides what looks like a secret wherever it stands in a text.
 *
 * @param known - secrets found elsewhere in the same call.
 */
export function scrubText(text: string, known: Iterable<string> = []): string {
  let scrubbed = text;
  for (const secret of known) {
    scrubbed = scrubbed.replaceAll(secret, MASK);
  }
  return CLUES.test(scrubbed)
    ? patterns.reduce((result, [pattern, mask]) => result.replace(pattern, mask), scrubbed)
    : scrubbed;
}
