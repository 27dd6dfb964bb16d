import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import { effectOf } from './effects.js';

/** What ordinary actions need of a profile, by whether they only read. */
export const READ_CAPABILITY = 'actions:read';
export const WRITE_CAPABILITY = 'actions:write';

/** What an action with a capability of its own adds to its descriptor. */
export type CapableAction = ActionsServiceAction & { readonly capability?: string };

/** The capability that a profile must have for an action to be listed and called under it. */
export function capabilityOf(action: ActionsServiceAction): string {
  return (action as CapableAction).capability ?? (effectOf(action) === 'read' ? READ_CAPABILITY : WRITE_CAPABILITY);
}
