import { expect, test } from 'vitest';
import { grantedScopes, offeredScopes } from './scopes.js';

const all = ['actions:read', 'actions:write', 'actions:destructive'];

test('what is offered ends at the broadest scope that was asked for, and includes the narrower ones', () => {
  expect(offeredScopes(['actions:write']).map(({ scope }) => scope)).toEqual(['actions:read', 'actions:write']);
  expect(offeredScopes(all).map(({ scope }) => scope)).toEqual(all);
  expect(offeredScopes(['admin'])).toEqual([]);
});

test.each([
  [all, all],
  [['actions:read', 'actions:destructive'], ['actions:read']],
  [['actions:destructive'], []],
  [['actions:write', 'actions:destructive'], []],
  [[], []],
  [['actions:read', 'admin', '__proto__'], ['actions:read']],
])('of the ticked boxes %j, %j is granted', (ticked, granted) => {
  expect(grantedScopes(all, ticked)).toEqual(granted);
});

test('what was not asked for is not granted, whatever the form says', () => {
  expect(grantedScopes(['actions:read'], all)).toEqual(['actions:read']);
});
