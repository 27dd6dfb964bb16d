import fc from 'fast-check';
import { readRedirectTarget } from '../../../plugins/auth-backend/src/pages/redirectTarget.js';
import {
  findPatternMistake,
  isSafeRedirectUri,
  matchesRedirectPattern,
} from '../../../plugins/auth-backend/src/redirects/redirectPatterns.js';
import { defaultRedirectUriPatterns } from '../../../plugins/auth-backend/src/registration/defaultPatterns.js';
import { hold, holdEqual, thrownBy } from '../engine/expect.js';
import { pureTarget } from '../engine/FuzzTarget.js';
import { mutatedText } from '../json/mutateText.js';
import { cutNaively, isSafeNaively, matchesNaively } from './matchNaively.js';

interface RedirectCase {
  readonly uri: string;
  readonly pattern: string;
}

const patterns = [
  ...defaultRedirectUriPatterns,
  'https://app.example.com/cb/*',
  'https://*.example.com/cb',
  'https://app-*.example.com/*/cb',
  'https://app.example.com:8443/cb?state=*',
  'https://app.example.com',
  'http://*:*/*',
  'com.example.app://*',
  'com.example.app://auth/cb',
  'https://app.example.com/a*b*c*',
  'https://*.*.example.com/*?*',
  'https://xn--pp-6kc.example.com/*',
];
const tokens = [
  ...'*./:?#@%\\ \t\n\u0000',
  '%2e',
  '%2E%2e',
  '%2f',
  '%5c',
  '%00',
  '%0d%0a',
  '..',
  '/../',
  '//',
  '@evil.io',
  '.evil.io',
  'evil.io#',
  ':443',
  ':80',
  ':0',
  ':99999',
  ':*',
  'https://',
  'javascript:',
  'xn--',
  'е',
  '。',
  '％',
  '\u200b',
  '\u00ad',
  '[::1]',
  '127.1',
  '0x7f000001',
  'HTTPS',
  '&x=',
  'A',
  '_',
  '~',
  "'",
  '"',
];
const fillings = [
  '',
  'a',
  'x/y',
  '33418',
  '8080',
  'evil.io',
  'app',
  '..',
  '%2e%2e',
  'a.b',
  'localhost',
  '127.0.0.1',
  'b',
  'abc',
  'aabbcc',
];

const pattern = mutatedText(fc.constantFrom(...patterns), { tokens, unchanged: 4, maxMutations: 2 });

/** What a pattern could stand for, and what is close to that. */
const uriFor = (text: string) =>
  mutatedText(
    fc.array(fc.constantFrom(...fillings), { minLength: 1, maxLength: 4 }).map(given => {
      let star = 0;
      return text.replaceAll('*', () => given[star++ % given.length] as string);
    }),
    { tokens, unchanged: 2, maxMutations: 3 },
  );

/** A pattern lets a browser be sent where its words say, and nowhere else. */
export const redirectsTarget = pureTarget<RedirectCase>({
  name: 'redirects',
  about: 'redirect URIs against patterns of the authorization server',
  weight: 25,
  batchSize: 5_000,
  cases: pattern.chain(text =>
    fc.record({ uri: fc.oneof(uriFor(text), fc.constantFrom(...patterns).chain(uriFor)), pattern: fc.constant(text) }),
  ),
  check({ uri, pattern: text }) {
    const isMatch = matchesRedirectPattern(uri, [text]);

    holdEqual(isMatch, matchesNaively(uri, text), `whether ${JSON.stringify(uri)} fits ${JSON.stringify(text)}`);
    holdEqual(isSafeRedirectUri(uri), isSafeNaively(uri) !== undefined, `whether ${JSON.stringify(uri)} is safe`);
    const mistake = findPatternMistake(text);
    hold(mistake === undefined || mistake.length > 0, 'a mistake without words');
    hold(mistake === undefined || !isMatch, 'a pattern with a mistake lets something through');
    hold(mistake !== undefined || cutNaively(text, true) !== undefined, 'a pattern that nobody can read is no mistake');
    if (isMatch) {
      checkPlace(uri, text);
    }
  },
});

/** What a browser makes of a URI that was let through, held against the words of the pattern. */
function checkPlace(uri: string, text: string): void {
  const url = new URL(uri);
  const wanted = cutNaively(text, true);
  hold(url.username === '' && url.password === '' && url.hash === '', 'a URI with more than a place', url.href);
  hold(url.protocol === `${wanted?.scheme}:`, 'another scheme', url.href);
  hold(wanted?.host.includes('*') || url.hostname === wanted?.host, 'another host', url.href);
  const [prefix = ''] = (wanted?.path ?? '').split('*');
  hold((url.pathname || '/').startsWith(prefix), 'another path than the beginning of the pattern', url.href);
  const target = thrownBy(() =>
    holdEqual(readRedirectTarget(uri).href, url.href, 'where people are told that they go'),
  );
  hold(target === undefined, 'a page that cannot say where it leads', target?.message);
}
