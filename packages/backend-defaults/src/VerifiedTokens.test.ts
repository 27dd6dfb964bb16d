import type { AuthService, BackstageCredentials } from '@backstage/backend-plugin-api';
import { AuthenticationError } from '@backstage/errors';
import { beforeEach, expect, it } from 'vitest';
import { VerifiedTokens } from './VerifiedTokens.js';

let nowMs: number;
let verified: string[];
let expiresAt: Date | undefined;
let isGood: boolean;
let tokens: VerifiedTokens;

beforeEach(() => {
  nowMs = Date.parse('2026-01-01T00:00:00Z');
  verified = [];
  expiresAt = undefined;
  isGood = true;
  const auth = {
    async authenticate(token: string) {
      verified.push(token);
      if (!isGood) {
        throw new AuthenticationError('Illegal token');
      }
      return { $$type: '@backstage/BackstageCredentials', principal: token, expiresAt } as BackstageCredentials;
    },
  };
  tokens = new VerifiedTokens({ auth: auth as unknown as AuthService, nowMs: () => nowMs });
});

const jwt = (payload: object) =>
  ['{}', JSON.stringify(payload), 'signature'].map(part => Buffer.from(part).toString('base64url')).join('.');

it('verifies a token once in ten seconds', async () => {
  const first = await tokens.authenticate('token');
  nowMs += 9_999;
  const second = await tokens.authenticate('token');
  nowMs += 1;
  await tokens.authenticate('token');

  expect(second).toBe(first);
  expect(verified).toEqual(['token', 'token']);
});

it('never takes one token for another', async () => {
  await tokens.authenticate('token');

  expect(await tokens.authenticate('tokem')).toMatchObject({ principal: 'tokem' });
});

it.each([
  ['the token says', () => jwt({ exp: nowMs / 1000 + 3 })],
  [
    'the credentials say',
    () => {
      expiresAt = new Date(nowMs + 3_000);
      return 'opaque';
    },
  ],
])('verifies it anew as soon as it has expired, as %s', async (_where, makeToken) => {
  const token = makeToken();
  await tokens.authenticate(token);
  nowMs += 3_000;
  isGood = false;

  await expect(tokens.authenticate(token)).rejects.toThrow('Illegal token');
});

it('does not remember refusals', async () => {
  isGood = false;
  await expect(tokens.authenticate('token')).rejects.toThrow('Illegal token');
  isGood = true;

  expect(await tokens.authenticate('token')).toMatchObject({ principal: 'token' });
});

it('remembers ten thousand at most, and forgets the oldest first', async () => {
  for (let index = 0; index <= 10_000; index += 1) {
    await tokens.authenticate(`token-${index}`);
  }
  verified.length = 0;

  await tokens.authenticate('token-1');
  await tokens.authenticate('token-0');

  expect(verified).toEqual(['token-0']);
});
