import { describe, expect, it } from 'vitest';
import { actionEffects } from './effects.js';
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

  describe('are needed by the broader of what attributes and effect say', () => {
    const read = 'actions:read';
    const write = 'actions:write';
    const destructive = 'actions:destructive';
    const table = {
      read: [read, write, destructive],
      create: [write, write, destructive],
      update: [write, write, destructive],
      replace: [destructive, destructive, destructive],
      delete: [destructive, destructive, destructive],
      execute: [destructive, destructive, destructive],
    };
    const given = [attributes({ readOnly: true }), attributes({}), attributes({ destructive: true })];
    const cells = actionEffects.flatMap(effect =>
      table[effect].map((needed, index) => [effect, given[index] as (typeof given)[0], needed] as const),
    );

    it.each(cells)('%s, %j: %s', (effect, action, needed) => {
      expect(scopeOf(action, effect)).toBe(needed);
      expect(scopeOf({ ...action, effect })).toBe(needed);
    });
  });

  it('are those of the attributes where the input decides and there is none yet', () => {
    expect(scopeOf({ ...attributes({}), effect: 'by-input' })).toBe('actions:write');
    expect(scopeOf({ ...attributes({ destructive: true }), effect: 'by-input' }, 'read')).toBe('actions:destructive');
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
