import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';

/** What a person can let a client do with actions; each scope includes those before it. */
export const actionScopes = ['actions:read', 'actions:write', 'actions:destructive'] as const;
export type ActionScope = (typeof actionScopes)[number];

/** The scope that a call of an action needs. An action without attributes counts as destructive. */
export function scopeOf({ attributes }: Pick<ActionsServiceAction, 'attributes'>): ActionScope {
  if (attributes.destructive) {
    return 'actions:destructive';
  }
  return attributes.readOnly ? 'actions:read' : 'actions:write';
}

/** Whether granted scopes cover a needed one, broader ones included. */
export function coversScope(granted: readonly string[], needed: ActionScope): boolean {
  return actionScopes.slice(actionScopes.indexOf(needed)).some(scope => granted.includes(scope));
}
