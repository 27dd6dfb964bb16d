import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';

/** What a call does to the world, from the least to the most. */
export const actionEffects = ['read', 'create', 'update', 'replace', 'delete', 'execute'] as const;
export type ActionEffect = (typeof actionEffects)[number];

/** What an action that states its effect adds to its descriptor; `by-input` if each call settles it. */
export type StatedEffect = ActionEffect | 'by-input';
export type ClassedAction = ActionsServiceAction & { readonly effect?: StatedEffect };

/**
 * The effect of an action: the one it states, else by its attributes. Without attributes it counts
 * as destructive, and what destroys is classed as `delete`. Where the input decides, this is what
 * the attributes say.
 */
export function effectOf(action: Pick<ClassedAction, 'attributes' | 'effect'>): ActionEffect {
  const { attributes, effect } = action;
  if (effect && effect !== 'by-input') {
    return effect;
  }
  if (attributes.destructive) {
    return 'delete';
  }
  if (attributes.readOnly) {
    return 'read';
  }
  return attributes.idempotent ? 'update' : 'create';
}

/** What an effect means, for people who decide about a call. */
export const effectMeanings: Readonly<Record<ActionEffect, string>> = {
  read: 'only looks things up',
  create: 'creates something new',
  update: 'changes what exists',
  replace: 'overwrites what exists',
  delete: 'deletes or destroys',
  execute: 'sets something off; what that does is not known beforehand',
};
