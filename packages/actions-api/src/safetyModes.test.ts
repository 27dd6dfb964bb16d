import { describe, expect, test } from 'vitest';
import { actionEffects } from './effects.js';
import { type Ruling, rulingOf, type SafetyMode, safetyModes, strictnessOrder } from './safetyModes.js';

describe('what a mode says of a call', () => {
  const table: Record<SafetyMode, Record<(typeof actionEffects)[number], Ruling>> = {
    read_only: {
      read: 'allow',
      create: 'refuse',
      update: 'refuse',
      replace: 'refuse',
      delete: 'refuse',
      execute: 'refuse',
    },
    safe: {
      read: 'allow',
      create: 'approve',
      update: 'approve',
      replace: 'approve',
      delete: 'approve',
      execute: 'approve',
    },
    delete_safe: {
      read: 'allow',
      create: 'allow',
      update: 'allow',
      replace: 'allow',
      delete: 'approve',
      execute: 'approve',
    },
    full_access: {
      read: 'allow',
      create: 'allow',
      update: 'allow',
      replace: 'allow',
      delete: 'allow',
      execute: 'allow',
    },
  };
  const cells = safetyModes.flatMap(mode => actionEffects.map(effect => [mode, effect, table[mode][effect]] as const));

  test.each(cells)('%s, %s: %s', (mode, effect, ruling) => {
    expect(rulingOf(mode, effect)).toBe(ruling);
  });

  test('a stricter mode never says more than a more open one', () => {
    const openness: Ruling[] = ['refuse', 'approve', 'allow'];

    for (const effect of actionEffects) {
      const order = safetyModes.map(mode => openness.indexOf(rulingOf(mode, effect)));
      expect(order).toEqual([...order].sort());
    }
  });
});

test('modes are in order from the strictest to the most open', () => {
  const shuffled: SafetyMode[] = ['full_access', 'safe', 'read_only', 'delete_safe'];

  expect(shuffled.sort((a, b) => strictnessOrder(a) - strictnessOrder(b))).toEqual([
    'read_only',
    'safe',
    'delete_safe',
    'full_access',
  ]);
});
