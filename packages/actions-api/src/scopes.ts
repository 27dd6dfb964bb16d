import { type ActionEffect, type ClassedAction, effectOf } from './effects.js';

/** What a person can let a client do with actions; each scope includes those before it. */
export const actionScopes = ['actions:read', 'actions:write', 'actions:destructive'] as const;
export type ActionScope = (typeof actionScopes)[number];

const scopeOfEffect = {
  read: 'actions:read',
  create: 'actions:write',
  update: 'actions:write',
  replace: 'actions:destructive',
  delete: 'actions:destructive',
  execute: 'actions:destructive',
} as const satisfies Record<ActionEffect, ActionScope>;

/**
 * The scope that a call of an action needs: the broader of what its attributes and its effect say.
 * An action without attributes counts as destructive.
 *
 * @param effect - of the call, where it is settled.
 */
export function scopeOf(
  action: Pick<ClassedAction, 'attributes' | 'effect'>,
  effect: ActionEffect = effectOf(action),
): ActionScope {
  const { readOnly, destructive } = action.attributes;
  const byAttributes = destructive ? 'actions:destructive' : readOnly ? 'actions:read' : 'actions:write';
  const byEffect = scopeOfEffect[effect];
  return actionScopes.indexOf(byEffect) > actionScopes.indexOf(byAttributes) ? byEffect : byAttributes;
}

/** Whether granted scopes cover a needed one, broader ones included. */
export function coversScope(granted: readonly string[], needed: ActionScope): boolean {
  return actionScopes.slice(actionScopes.indexOf(needed)).some(scope => granted.includes(scope));
}
