import { randomBytes } from 'node:crypto';
import { ConfigReader } from '@backstage/config';
import type { JsonObject, JsonValue } from '@backstage/types';
import { expect, test } from 'vitest';
import { decideAccess } from './accessToken.js';

const loopback = { host: '127.0.0.1', port: 7007 };
const everywhere = { host: '', port: 7007 };
const key = 'backend.auth.externalAccess';

test('a server that only this machine reaches gets a new token at each start', () => {
  const first = decide({}, loopback);
  const second = decide({ externalAccess: [] }, loopback);

  expect(first.generatedToken).toMatch(/^[\w-]{32}$/);
  expect(second.generatedToken).not.toBe(first.generatedToken);
});

test('a server that others reach is refused without a token, with both ways out', () => {
  const { mistakes, generatedToken } = decide({}, everywhere);

  expect(generatedToken).toBeUndefined();
  expect(mistakes).toEqual([expect.stringContaining(`${key}: expected at least one access token, got none`)]);
  expect(mistakes[0]).toContain('all network interfaces');
  expect(mistakes[0]).toContain('token: ${MCP_TOKEN}');
  expect(mistakes[0]).toContain('host: 127.0.0.1');
});

test('configured tokens are used, wherever the server listens', () => {
  const externalAccess = [access(newToken()), access(newToken())];

  expect(decide({ externalAccess }, loopback)).toEqual({ generatedToken: undefined, mistakes: [] });
  expect(decide({ externalAccess }, everywhere)).toEqual({ generatedToken: undefined, mistakes: [] });
});

test.each([
  ['Qm7vK9x', 'expected a random token of at least 16 characters, got 7'],
  ['changeme', 'easily guessed'],
  ['my-super-secret-token-123', 'easily guessed'],
  ['${MCP_TOKEN}', 'easily guessed'],
  ['your-agent-token', 'easily guessed'],
  ['0123456789012345', 'easily guessed'],
  ['aabbaabbaabbaabb', 'easily guessed'],
  ['two words of a token', 'without spaces'],
  [undefined, 'got nothing: is the environment variable'],
  [1234567890123456, 'in quotes, got a number'],
])('the token %j is refused and not repeated', (token, reason) => {
  const { mistakes } = decide({ externalAccess: [access(token)] }, loopback);

  expect(mistakes).toEqual([expect.stringContaining(`${key}[0].options.token: `)]);
  expect(mistakes[0]).toContain(reason);
  expect(mistakes[0]).not.toContain(`got ${token}`);
});

test('all mistakes are found at once', () => {
  const token = newToken();
  const externalAccess = [access(token), access(token), access('secret', 'two words'), { options: {} }, 'token'];

  const { mistakes } = decide({ externalAccess }, everywhere);

  expect(mistakes).toEqual([
    `${key}[1].options.token: expected a token of its own, got the one of ${key}[0]`,
    expect.stringContaining(`${key}[2].options.token: `),
    `${key}[2].options.subject: expected a name without spaces for the holder, got a string`,
    `${key}[3].type: expected static, jwks or legacy, got nothing`,
    `${key}[4]: expected type and options, got a string`,
  ]);
});

test('a server that others reach needs no token where people can get theirs by signing in', () => {
  const auth = {
    experimentalDynamicClientRegistration: { enabled: true },
    localUsers: [{ name: 'ada', passwordHash: 'scrypt$a$b' }],
  };

  expect(decide({}, everywhere, { auth })).toEqual({ generatedToken: undefined, mistakes: [] });
  expect(decide({}, everywhere, { auth: { ...auth, localUsers: [] } }).mistakes).toHaveLength(1);
  expect(decide({}, everywhere, { auth: { localUsers: auth.localUsers } }).mistakes).toHaveLength(1);
});

test.each([
  [
    { accessRestriction: [] },
    `${key}[0].accessRestriction: there is no such key, expected type, options, accessRestrictions`,
  ],
  [{ accessRestrictions: [] }, `${key}[0].accessRestrictions: expected at least one plugin, got none`],
  [
    { accessRestrictions: [{ plugn: 'todo' }] },
    `${key}[0].accessRestrictions[0].plugin: expected the id of a plugin, got nothing`,
  ],
  [
    { accessRestrictions: [{ plugin: 'todo', permision: 'x' }] },
    `${key}[0].accessRestrictions[0].permision: there is no such key, expected plugin, permission, permissionAttribute`,
  ],
  [{ type: 'statik' }, `${key}[0].type: expected static, jwks, legacy, got "statik"`],
])('an access with %j is refused, since the token would open more than was meant', (wrong, mistake) => {
  expect(decide({ externalAccess: [{ ...access(newToken()), ...wrong }] }, loopback).mistakes).toEqual([mistake]);
});

test('a token cannot go by the name of a plugin', () => {
  const { mistakes } = decide({ externalAccess: [access(newToken(), 'plugin:mcp-actions')] }, loopback);

  expect(mistakes).toEqual([
    `${key}[0].options.subject: expected a name of the holder's own, got one that plugins go by`,
  ]);
});

function decide(auth: JsonObject, listen: { host: string; port: number }, more: JsonObject = {}) {
  const mistakes: string[] = [];
  const { generatedToken } = decideAccess(new ConfigReader({ ...more, backend: { auth } }), listen, mistakes);
  return { generatedToken, mistakes };
}

function access(token: JsonValue | undefined, subject = 'mcp-clients'): JsonObject {
  return { type: 'static', options: { token, subject } };
}

function newToken(): string {
  return randomBytes(24).toString('base64url');
}
