import { createHash, timingSafeEqual } from 'node:crypto';

/** Secrets are random or long, so a fast hash will do; it makes a stolen one useless. */
export function hashClientSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** @param hash - as `hashClientSecret` made it. */
export function isClientSecret(secret: string, hash: string): boolean {
  const expected = Buffer.from(hash);
  const actual = Buffer.from(hashClientSecret(secret));
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}
