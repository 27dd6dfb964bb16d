import { describe, expect, test } from 'vitest';
import { actionEffects, effectOf } from './effects.js';

const attributes = { readOnly: false, destructive: false, idempotent: false };

describe('the effect of an action that states none', () => {
  test.each([
    [{ readOnly: true }, 'read'],
    [{ idempotent: true }, 'update'],
    [{}, 'create'],
    [{ destructive: true }, 'delete'],
    [{ destructive: true, idempotent: true }, 'delete'],
    [{ destructive: true, readOnly: true }, 'delete'],
  ])('with %j is %s', (given, effect) => {
    expect(effectOf({ attributes: { ...attributes, ...given } })).toBe(effect);
  });
});

test.each(actionEffects)('an action that states %s has that effect, whatever its attributes', effect => {
  expect(effectOf({ attributes: { ...attributes, destructive: true }, effect })).toBe(effect);
});

test('an action whose input decides has the effect of its attributes until there is an input', () => {
  expect(effectOf({ attributes: { ...attributes, destructive: true }, effect: 'by-input' })).toBe('delete');
});
