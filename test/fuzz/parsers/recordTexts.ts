import { canonicalJson, describeInput, scrubText, visibleText } from '@callboard/actions-api';
import fc from 'fast-check';
import { hold, holdEqual } from '../engine/expect.js';
import type { Kind } from '../engine/FuzzTarget.js';
import { hostileText, hostileTexts, hostileValue, objectOf } from '../json/hostileJson.js';
import { mutatedJson } from '../json/mutateJson.js';

const MAX_MS = 2_000;

const letters = fc.string({
  unit: fc.constantFrom(...'abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNP23456789'),
  minLength: 16,
  maxLength: 40,
});
/** The part that tells it from every other text. */
const secret = letters.map(text => `S3cr${text}`);

/** Ways in which secrets stand in texts. */
const carriers: Record<string, (value: string) => string> = {
  bearer: value => `Authorization: Bearer ${value}`,
  'bearer alone': value => `bearer ${value}`,
  assignment: value => `password=${value}`,
  json: value => `"apiKey":"${value}"`,
  escaped: value => `{\\"secret\\": \\"${value}\\"}`,
  quoted: value => `token: '${value}'`,
  url: value => `https://ada:${value}@db.example:5432/x`,
  'user only': value => `https://${value}@db.example`,
  query: value => `https://api.example/cb?state=1&access_token=${value}&x=1`,
  jwt: value => `eyJhbGciOiJ9.${value}.sig`,
  github: value => `ghp_${value}`,
  pem: value => `-----BEGIN RSA PRIVATE KEY-----\n${value}\n-----END RSA PRIVATE KEY-----`,
  'open pem': value => `-----BEGIN PRIVATE KEY-----\n${value}`,
  cookie: value => `Cookie: sid=${value}; other=1`,
  sql: value => `ALTER USER x PASSWORD '${value}'`,
};

interface ScrubCase {
  readonly before: string;
  readonly carrier: string;
  readonly secret: string;
  readonly after: string;
  readonly known: readonly string[];
}

const between = fc.oneof(
  fc.constantFrom(' ', '\n', '; ', ', ', ' (', ') ', ' - ', ' "x" '),
  fc.tuple(fc.constantFrom(...hostileTexts), fc.constantFrom(' ', '\n')).map(([text, blank]) => blank + text + blank),
);

/** A secret that is known, or stands where secrets stand, is in no record. */
export const scrubbed: Kind<ScrubCase> = {
  name: 'scrubbed texts',
  weight: 3,
  cases: fc.record({
    before: between,
    carrier: fc.constantFrom(...Object.keys(carriers)),
    secret,
    after: between,
    known: fc.array(letters, { maxLength: 3 }),
  }),
  check({ before, carrier, secret: value, after, known }) {
    const carried = carriers[carrier]?.(value) ?? value;
    const text = `${before}${carried}${after}${known.join(' ')}`;

    const result = scrubText(text, known);

    hold(!result.includes(value), `a secret is left (${carrier})`, { text, result });
    for (const other of known) {
      hold(!result.includes(other), 'a known secret is left', { text, result, other });
    }
  },
};

interface LongTextCase {
  readonly piece: string;
  readonly times: number;
  readonly end: string;
}

const pieces = [
  'password',
  'password=',
  '://',
  '://a:',
  ':// @',
  '-----BEGIN ',
  '-----BEGIN A PRIVATE KEY-----',
  'eyJaaaaaa.',
  'eyJaaaaaa.a',
  'bearer ',
  'Basic  ',
  'cookie: ',
  'authorization\\\\',
  '?token=',
  '&a-token',
  'sk-',
  'ghp_',
  '\\',
  '"',
  "'",
  'token\\":',
  'a',
  '@',
  '.',
  'identified by ',
  '\u202e',
  '🎭',
];

/** No text takes long. */
export const longTexts: Kind<LongTextCase> = {
  name: 'long texts',
  weight: 0.02,
  cases: fc.record({
    piece: fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 3 }).map(parts => parts.join('')),
    times: fc.integer({ min: 1_000, max: 10_000 }),
    end: fc.constantFrom(...pieces, '', ' ', '!'),
  }),
  check({ piece, times, end }) {
    const text = piece.repeat(times) + end;
    const before = process.cpuUsage();

    scrubText(text);
    visibleText(text, 10_000);

    const { user, system } = process.cpuUsage(before);
    const tookMs = (user + system) / 1000;
    hold(tookMs < MAX_MS, `a text of ${text.length} characters takes ${Math.round(tookMs)} ms of CPU time`);
  },
};

interface VisibleCase {
  readonly text: string;
  readonly maxLength: number;
}

/** What stands in a record is one line that can be seen, and no longer than it may be. */
export const visible: Kind<VisibleCase> = {
  name: 'visible texts',
  weight: 2,
  cases: fc.record({
    text: fc
      .array(fc.oneof(hostileText(10), fc.constantFrom(...hostileTexts)), { maxLength: 5 })
      .map(parts => parts.join('')),
    maxLength: fc.integer({ min: 1, max: 60 }),
  }),
  check({ text, maxLength }) {
    const result = visibleText(text, maxLength);

    hold(result.isWellFormed(), 'half a character is left', { result });
    hold(
      !/[\p{Cc}\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]/u.test(result),
      'something unseen is left',
      { result },
    );
    hold(result.length <= maxLength + 40, 'longer than it may be', { length: result.length, maxLength });
    const isPlain = /^[\x20-\x7e]*$/.test(text) && text.length <= maxLength;
    hold(!isPlain || result === text, 'plain text is changed', { text, result });
  },
};

interface DescribedCase {
  readonly input: unknown;
  readonly maxBytes: number;
}

const secretFields = [
  'password',
  'apiKey',
  'Authorization',
  'client_secret',
  'accessToken',
  'X-Api-Key',
  'private_key',
];

/** An input of whatever shape is recorded as JSON, without what stands in secret fields, and no larger than it may be. */
export const described: Kind<DescribedCase> = {
  name: 'recorded inputs',
  weight: 2,
  cases: fc.record({
    input: mutatedJson(
      fc
        .tuple(
          fc.constantFrom(...secretFields),
          hostileValue,
          fc.constantFrom('title', 'items', '__proto__'),
          hostileValue,
        )
        .map(([field, _value, other, value]) =>
          objectOf([
            [field, 'S3cr-of-the-field-0123456789'],
            [other, { inside: [value, objectOf([[field, { deep: 'S3cr-of-the-field-deep' }]])] }],
          ]),
        ),
      { keys: secretFields, unchanged: 3 },
    ),
    maxBytes: fc.constantFrom(256, 1_024, 16_384),
  }),
  check({ input, maxBytes }) {
    const before = JSON.stringify(input);
    const { input: recorded, secrets } = describeInput(input, maxBytes);
    const text = canonicalJson(recorded ?? null);

    hold(Buffer.byteLength(text) <= maxBytes, 'larger than it may be', { bytes: Buffer.byteLength(text), maxBytes });
    hold(!/[\n\r\u2028]/.test(text), 'more than one line', { text });
    holdEqual(JSON.stringify(input), before, 'the input itself was changed');
    for (const known of secrets) {
      // Numbers are hidden in texts only.
      hold(Number.isFinite(Number(known)) || !text.includes(known), 'a secret of a field is left', { text, known });
    }
    const isAsItWas =
      before === undefined || secretFields.some(field => before.includes(`"${field}":"S3cr-of-the-field-0123456789"`));
    hold(!isAsItWas || !text.includes('S3cr-of-the-field-0123456789'), 'what stands in a secret field is left', {
      text,
    });
    if (typeof recorded !== 'string') {
      holdEqual(JSON.parse(text), recorded ?? null, 'what is written is not what is recorded');
    }
  },
};
