import type { BackstageCredentials } from '@backstage/backend-plugin-api';
import * as z from 'zod';

interface Principal {
  readonly type?: string;
  readonly userEntityRef?: string;
  readonly subject?: string;
}

/**
 * Whom credentials stand for, as rules, approvals and alerts name them: `user:default/ada`, or the
 * subject of a service such as `ci` or `plugin:scaffolder`, or `anonymous`. Whoever acts on
 * behalf of a person counts as the person.
 */
export function principalName(credentials: BackstageCredentials): string {
  const { type, userEntityRef, subject } = credentials.principal as Principal;
  if (type === 'user' && userEntityRef) {
    return userEntityRef.toLowerCase();
  }
  if (type === 'service' && subject) {
    // A token's subject is free text, and must not pass for a person.
    return subject.toLowerCase().startsWith('user:') ? `service:${subject}` : subject;
  }
  return 'anonymous';
}

/**
 * Whether a principal, or any other name, fits a pattern in which `*` stands for any text, slashes
 * included: `user:*`, `user:default/*`, `ci`.
 */
export function matchesName(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) {
    return name === pattern;
  }
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) {
    return false;
  }
  let at = first.length;
  const end = name.length - last.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) {
      return false;
    }
    at = found + part.length;
  }
  return true;
}

/** As `matchesName`, in any case, as Backstage compares entity references: a capital letter must not make a rule miss. */
export function matchesPrincipal(pattern: string, principal: string): boolean {
  return matchesName(pattern.toLowerCase(), principal.toLowerCase());
}

/** A pattern of principals in configuration. One with a blank would never match, and so leave its rule without effect. */
export const principalPatternSchema = z
  .string()
  .regex(
    /^[\x21-\x7e]{1,500}$/,
    'expected a principal or a pattern such as user:default/ada, user:* or ci, without blanks',
  );
