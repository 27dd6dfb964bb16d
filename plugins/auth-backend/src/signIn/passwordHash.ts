import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const deriveKey = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);

/**
 * The cost of every hash: 32 MiB of memory and about 0.2 s of one core, the equivalent for 32 MiB in OWASP's password
 * storage recommendations. It is not part of the stored text, so changing it makes all stored hashes worthless.
 */
const cost: ScryptOptions = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 2 ** 20 };
const keyBytes = 32;
const saltBytes = 16;

const hashPattern = /^scrypt\$([A-Za-z0-9+/]{22,}={0,2})\$([A-Za-z0-9+/]{43}=?)$/;

/** Makes the value of `auth.localUsers[].passwordHash`: `scrypt$<salt>$<hash>`, both base64. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  const key = await deriveKey(password.normalize('NFKC'), salt, keyBytes, cost);
  return `scrypt$${salt.toString('base64')}$${key.toString('base64')}`;
}

/** Whether text has the shape that {@link hashPassword} gives. */
export function isPasswordHash(text: string): boolean {
  return hashPattern.test(text);
}

/** Compares in a time that does not depend on where they differ. */
export async function verifyPassword(password: string, passwordHash: string): Promise<boolean> {
  const [, salt, key] = hashPattern.exec(passwordHash) ?? [];
  if (salt === undefined || key === undefined) {
    return false;
  }
  const derived = await deriveKey(password.normalize('NFKC'), Buffer.from(salt, 'base64'), keyBytes, cost);
  return timingSafeEqual(derived, Buffer.from(key, 'base64'));
}
