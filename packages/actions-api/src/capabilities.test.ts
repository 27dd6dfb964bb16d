import { expect, test } from 'vitest';
import { type CapableAction, capabilityOf } from './capabilities.js';
import type { StatedEffect } from './effects.js';

const readOnly = { readOnly: true, destructive: false, idempotent: true };
const write = { readOnly: false, destructive: false, idempotent: false };
const destructive = { readOnly: false, destructive: true, idempotent: false };

test.each<[object, StatedEffect | undefined, string | undefined, string]>([
  [readOnly, undefined, undefined, 'actions:read'],
  [write, undefined, undefined, 'actions:write'],
  [destructive, undefined, undefined, 'actions:write'],
  [readOnly, 'read', undefined, 'actions:read'],
  [write, 'create', undefined, 'actions:write'],
  [destructive, 'by-input', undefined, 'actions:write'],
  [destructive, undefined, 'approvals:decide', 'approvals:decide'],
  [readOnly, undefined, 'audit:read', 'audit:read'],
])('an action with %j, of class %s, that states %s, needs %s', (attributes, effect, capability, needed) => {
  const action = { attributes, ...(effect && { effect }), ...(capability && { capability }) };

  expect(capabilityOf(action as CapableAction)).toBe(needed);
});
