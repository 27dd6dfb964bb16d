import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';

/** What a call does to the world, from the least to the most. */
export const actionEffects = ['read', 'create', 'update', 'replace', 'delete', 'execute'] as const;
export type ActionEffect = (typeof actionEffects)[number];

/**
 * The effect of an action that does not state one. Without attributes it counts as destructive, and
 * what destroys is classed as `delete`.
 */
export function effectOf({ attributes }: Pick<ActionsServiceAction, 'attributes'>): ActionEffect {
  if (attributes.destructive) {
    return 'delete';
  }
  if (attributes.readOnly) {
    return 'read';
  }
  return attributes.idempotent ? 'update' : 'create';
}
