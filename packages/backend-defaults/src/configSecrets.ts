import type { JsonValue } from '@backstage/types';

const secretKey = /(token|secret|password|passwd|passphrase|private_?key|api_?key|access_?key|credentials?)s?$/i;
/** `postgresql://user:password@host` and alike. */
const passwordInUrl = /^[a-z][a-z0-9+.-]*:\/\/[^/:@\s]*:([^/@\s]+)@/i;

/**
 * Finds the values that must not be logged: by the name of their key, and passwords inside URLs.
 *
 * Backstage finds them by the visibility in config schemas instead, which compiles the TypeScript
 * schemas of every installed package at start and costs over a second.
 */
export function findConfigSecrets(config: JsonValue | undefined): string[] {
  const secrets = new Set<string>();
  collect(config, false, secrets);
  return [...secrets];
}

function collect(value: JsonValue | undefined, underSecretKey: boolean, secrets: Set<string>): void {
  if (typeof value === 'string') {
    const password = passwordInUrl.exec(value)?.[1];
    if (underSecretKey) {
      secrets.add(value);
    } else if (password) {
      secrets.add(password);
    }
  } else if (Array.isArray(value)) {
    for (const item of value) {
      collect(item, underSecretKey, secrets);
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      collect(item, underSecretKey || secretKey.test(key), secrets);
    }
  }
}
