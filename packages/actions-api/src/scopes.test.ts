import { describe, expect, it } from 'vitest';
import { coversScope, scopeOf } from './scopes.js';

const attributes = (given: Partial<Record<'readOnly' | 'destructive' | 'idempotent', boolean>>) => ({
  attributes: { readOnly: false, destructive: false, idempotent: false, ...given },
});

describe('scopes', () => {
  it('are needed by what an action can do at worst', () => {
    expect(scopeOf(attributes({ readOnly: true }))).toBe('actions:read');
    expect(scopeOf(attributes({}))).toBe('actions:write');
    expect(scopeOf(attributes({ destructive: true }))).toBe('actions:destructive');
    expect(scopeOf(attributes({ readOnly: true, destructive: true }))).toBe('actions:destructive');
  });

  it.each([
    [['actions:read'], 'actions:read', true],
    [['actions:write'], 'actions:read', true],
    [['actions:destructive'], 'actions:write', true],
    [['actions:read'], 'actions:write', false],
    [['actions:write'], 'actions:destructive', false],
    [['openid', 'actions:readonly', 'ACTIONS:READ'], 'actions:read', false],
    [[], 'actions:read', false],
  ] as const)('%j cover %s: %s', (granted, needed, covered) => {
    expect(coversScope(granted, needed)).toBe(covered);
  });
});
