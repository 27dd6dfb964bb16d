import { createHash, createHmac } from 'node:crypto';
import { InputError } from '@backstage/errors';
import { canonicalJson } from '@callboard/actions-api';

/**
 * What ties an approval to one call: SHA-256, in hexadecimal, of principal, action fingerprint,
 * arguments as they were sent and as they will run, in canonical form, secrets, if there are any, and
 * environment.
 *
 * @throws InputError for numbers such as 1e999, which JSON can say and cannot repeat.
 */
export function bindingOf(call: {
  principal: string;
  fingerprint: string;
  /** JSON. */
  arguments: unknown;
  /** With defaults and transforms applied. */
  input?: unknown;
  /** JSON. Nothing can be told of them by the binding without the key. */
  secrets?: unknown;
  key: Uint8Array;
  environment: string;
}): string {
  const { principal, fingerprint, environment, key } = call;
  const secrets =
    call.secrets === undefined
      ? undefined
      : createHmac('sha256', key)
          .update(canonicalJson(asJson(call.secrets)))
          .digest('hex');
  return createHash('sha256')
    .update(
      canonicalJson({
        principal,
        fingerprint,
        environment,
        arguments: asJson(call.arguments),
        input: settledInput(call.input),
        secrets,
      }),
    )
    .digest('hex');
}

/** What is not JSON, which only code in this process can send, is bound as what JSON makes of it. */
function asJson(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value, assertFinite) ?? 'null');
}

/** An input as it will run, as text can tell it; what it was made of is bound besides. */
export function settledInput(input: unknown): unknown {
  return input === undefined
    ? undefined
    : JSON.parse(JSON.stringify(input, (_key, value) => (typeof value === 'bigint' ? String(value) : value)) ?? 'null');
}

/** It would be written as `null`, and so be as good as approved where `null` is. */
function assertFinite(key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new InputError(`Nobody can approve the argument ${JSON.stringify(key)}: ${value} is not a number in JSON`);
  }
  return value;
}
