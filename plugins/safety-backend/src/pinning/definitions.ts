import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { JsonObject } from '@backstage/types';
import {
  type CapableAction,
  type ClassedAction,
  canonicalJson,
  fingerprintOf,
  type OfferedAction,
} from '@callboard/actions-api';

/** An action's definition with the fingerprint that is good for this text and no other. */
export interface Definition {
  readonly actionId: string;
  readonly fingerprint: string;
  /** What the fingerprint goes over, as JSON. */
  readonly text: string;
}

export function definitionOf(action: ActionsServiceAction): Definition {
  const { id, title, description, schema, attributes } = action;
  const { effect } = action as ClassedAction;
  const { capability } = action as CapableAction;
  const { resource, prompt } = action as OfferedAction;
  return {
    actionId: id,
    fingerprint: fingerprintOf(action),
    text: canonicalJson({ id, title, description, schema, attributes, effect, capability, resource, prompt }),
  };
}

/** The parts of a definition that differ, such as `description` and `schema`. */
export function changedParts(before: JsonObject, after: JsonObject): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter(part => canonicalJson(before[part] ?? null) !== canonicalJson(after[part] ?? null))
    .sort();
}
