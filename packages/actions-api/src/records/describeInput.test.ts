import { expect, test } from 'vitest';
import { canonicalJson } from './canonicalJson.js';
import { describeInput } from './describeInput.js';

const describe = (input: unknown, maxBytes = 16_384) => describeInput(input, maxBytes);

test('plain input is recorded as it is', () => {
  const input = { title: 'Water the plants 🌱', days: 3, done: false, tags: ['a', null], maxTokens: 100 };

  expect(describe(input)).toEqual({ input, secrets: new Set() });
});

test('is a copy: what the action does with its input changes nothing', () => {
  const input = { list: ['a'] };
  const described = describe(input);

  input.list.push('b');

  expect(described.input).toEqual({ list: ['a'] });
});

test.each([
  'password',
  'userPassword',
  'PASSWD',
  'client_secret',
  'api-key',
  'x-api-key',
  'accessToken',
  'Authorization',
  'set-cookie',
  'privateKey',
  'signingKey',
  'credentials',
  'passphrase',
  'sessionId',
  'otp',
])('the field %s is hidden', key => {
  const { input } = describe({ [key]: 'canary-1', nested: [{ [key]: { deep: 'canary-2' } }] });

  expect(JSON.stringify(input)).not.toContain('canary');
});

test('a secret is hidden also where it is repeated', () => {
  const { input, secrets } = describe({ password: 'canary-1', note: 'use canary-1 to sign in' });

  expect(input).toEqual({ password: '***', note: 'use *** to sign in' });
  expect([...secrets]).toEqual(['canary-1']);
});

test('cuts long texts first, and says how much is missing and how large all of it was', () => {
  const { input, inputBytes } = describe({ id: 7, body: 'x'.repeat(5000) }, 2000);

  expect(input).toEqual({ id: 7, body: `${'x'.repeat(1024)}…[cut 3976 characters]` });
  expect(inputBytes).toBe(5018);
});

test.each([
  ['many fields', Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`key-${n}`, n]))],
  ['a long list', Array.from({ length: 100_000 }, (_, n) => n)],
  ['quotes', { a: '"'.repeat(100_000) }],
  ['controls', { a: '\u0001'.repeat(100_000) }],
  ['long keys', { ['k'.repeat(100_000)]: 1 }],
  ['wide characters', { a: '漢'.repeat(100_000), b: '🌱'.repeat(100_000) }],
])('%s fit into the limit', (_name, input) => {
  const { input: recorded, inputBytes } = describe(input, 1000);

  expect(Buffer.byteLength(canonicalJson(recorded))).toBeLessThanOrEqual(1000);
  expect(inputBytes).toBeGreaterThan(1000);
  expect(JSON.stringify(recorded)).toContain('[cut');
});

test('takes anything that a caller in the process may pass', () => {
  const circle: Record<string, unknown> = {
    big: 10n,
    at: new Date(0),
    nan: Number.NaN,
    run() {},
    bytes: Buffer.alloc(9),
  };
  circle.self = [circle, circle];
  const throwing = {
    get now() {
      throw new Error('no');
    },
  };
  const ownProto = JSON.parse('{"__proto__":{"admin":true}}');

  const { input } = describe({ circle, throwing, map: new Map([['password', 'canary']]), set: new Set([1]), ownProto });

  const text = canonicalJson(input);
  expect(text).toContain('"big":"10"');
  expect(text).toContain('"at":"1970-01-01T00:00:00.000Z"');
  expect(text).toContain('"ownProto":{"__proto__":{"admin":true}}');
  expect(text).toContain('"self":["…[cut: contains itself]"');
  expect(text).not.toContain('canary');
  expect(({} as { admin?: boolean }).admin).toBeUndefined();
});

test('no input is no input, null is null', () => {
  expect(describe(undefined)).toEqual({ secrets: new Set() });
  expect(describe(null)).toEqual({ input: null, secrets: new Set() });
});

test('keys that are changed into the same text stay apart', () => {
  const { input } = describe({ env: { 'a?x_token=one': 'rm -rf /', 'a?x_token=two': 'harmless' } });

  expect(Object.keys((input as { env: object }).env)).toEqual(['a?x_token=***', 'a?x_token=*** (2)']);
});

test('whoever decides about an input sees all but what stands in fields for secrets', () => {
  const input = {
    note: 'harmless note authorization: x; then wire 1M EUR to account 77',
    key: 'ok -----BEGIN A PRIVATE KEY-----\nrm -rf /',
    plan: 'deploy to production',
    'a?x_token=one': 1,
    'a?x_token=two': 2,
  };

  const shown = describeInput({ ...input, password: 'deploy to production' }, 16_384, { hides: 'fields' });

  expect(shown.input).toEqual({ ...input, password: '***' });
});
