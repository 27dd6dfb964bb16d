import { createHash } from 'node:crypto';
import { InputError } from '@backstage/errors';
import { canonicalJson } from '@callboard/actions-api';

/**
 * What ties an approval to one call: SHA-256, in hexadecimal, of principal, action fingerprint,
 * arguments as they were sent, in canonical form, and environment.
 *
 * @throws InputError for numbers such as 1e999, which JSON can say and cannot repeat.
 */
export function bindingOf(call: {
  principal: string;
  fingerprint: string;
  /** JSON. */
  arguments: unknown;
  environment: string;
}): string {
  const { principal, fingerprint, environment } = call;
  // What is not JSON, which only code in this process can send, is bound as what JSON makes of it.
  const sent =
    call.arguments === undefined ? undefined : JSON.parse(JSON.stringify(call.arguments, assertFinite) ?? 'null');
  return createHash('sha256')
    .update(canonicalJson({ principal, fingerprint, environment, arguments: sent }))
    .digest('hex');
}

/** It would be written as `null`, and so be as good as approved where `null` is. */
function assertFinite(key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new InputError(`Nobody can approve the argument ${JSON.stringify(key)}: ${value} is not a number in JSON`);
  }
  return value;
}
