import { expect, test } from 'vitest';
import { hashPassword, isPasswordHash, verifyPassword } from './passwordHash.js';

test('a password matches its own hash and no other password does', async () => {
  const hash = await hashPassword('break a leg');

  expect(isPasswordHash(hash)).toBe(true);
  expect(await verifyPassword('break a leg', hash)).toBe(true);
  expect(await verifyPassword('break a leg ', hash)).toBe(false);
  expect(await verifyPassword('', hash)).toBe(false);
});

test('the same password never has the same hash twice', async () => {
  expect(await hashPassword('break a leg')).not.toBe(await hashPassword('break a leg'));
});

test('composed and decomposed letters are the same password', async () => {
  const hash = await hashPassword('caf\u00e9 caf\u00e9');

  expect(await verifyPassword('cafe\u0301 cafe\u0301', hash)).toBe(true);
});

test.each([
  '',
  'scrypt$',
  'scrypt$c2FsdA==$aGFzaA==',
  'bcrypt$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  'break a leg',
])('%j is no hash and matches nothing', async text => {
  expect(isPasswordHash(text)).toBe(false);
  expect(await verifyPassword('', text)).toBe(false);
});
