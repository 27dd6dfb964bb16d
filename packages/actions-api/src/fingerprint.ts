import { createHash } from 'node:crypto';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { CapableAction } from './capabilities.js';
import type { ClassedAction } from './effects.js';
import type { OfferedAction } from './offers.js';
import { canonicalJson } from './records/canonicalJson.js';

const fingerprints = new WeakMap<ActionsServiceAction, string>();

/**
 * What an action is, in 64 hexadecimal digits: SHA-256 over its id, title, description, schemas,
 * attributes, stated effect and capability, and what a resource or prompt is besides. Changes with any of them and with nothing else.
 */
export function fingerprintOf(action: ActionsServiceAction): string {
  let fingerprint = fingerprints.get(action);
  if (!fingerprint) {
    const { id, title, description, schema, attributes } = action;
    const { effect } = action as ClassedAction;
    const { capability } = action as CapableAction;
    const { resource, prompt } = action as OfferedAction;
    const text = canonicalJson({ id, title, description, schema, attributes, effect, capability, resource, prompt });
    fingerprint = createHash('sha256').update(text).digest('hex');
    fingerprints.set(action, fingerprint);
  }
  return fingerprint;
}
