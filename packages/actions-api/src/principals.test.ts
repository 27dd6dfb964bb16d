import type { BackstageCredentials } from '@backstage/backend-plugin-api';
import { expect, test } from 'vitest';
import { matchesName, matchesPrincipal, principalName, principalPatternSchema } from './principals.js';

const of = (principal: object) => principalName({ principal } as BackstageCredentials);

test('people, services and nobody have names', () => {
  expect(of({ type: 'user', userEntityRef: 'user:default/Ada' })).toBe('user:default/ada');
  expect(of({ type: 'service', subject: 'external:ci' })).toBe('external:ci');
  expect(of({ type: 'none' })).toBe('anonymous');
  expect(of({})).toBe('anonymous');
});

test('the subject of a token does not pass for a person', () => {
  expect(of({ type: 'service', subject: 'user:default/ada' })).toBe('service:user:default/ada');
});

test.each([
  ['user:*', 'user:default/ada', true],
  ['user:**', 'user:default/ada', true],
  ['user:default/*', 'user:default/ada', true],
  ['user:default/*', 'user:other/ada', false],
  ['*', 'anonymous', true],
  ['external:ci', 'external:ci', true],
  ['external:ci', 'external:ci2', false],
  ['external:*-bot', 'external:deploy-bot', true],
  ['external:*-bot', 'external:-bot', true],
  ['ab*ba', 'aba', false],
  ['a*b*c', 'abc', true],
  ['a*b*c', 'acb', false],
  ['a*bb*b', 'abb', false],
  ['user:*', 'service:user:default/ada', false],
  ['[a-z].', 'x.', false],
])('%s fits %s: %s', (pattern, name, fits) => {
  expect(matchesName(pattern, name)).toBe(fits);
});

test('principals match in any case', () => {
  expect(matchesPrincipal('user:default/Ada', 'user:default/ada')).toBe(true);
  expect(matchesPrincipal('mcp-clients', 'MCP-Clients')).toBe(true);
  expect(matchesPrincipal('user:*', 'service:user:x')).toBe(false);
});

test.each(['', ' ci', 'ci ', 'user:default/a b', 'с\u0456', 'x'.repeat(501)])('%j is no pattern', text => {
  expect(principalPatternSchema.safeParse(text).success).toBe(false);
});
