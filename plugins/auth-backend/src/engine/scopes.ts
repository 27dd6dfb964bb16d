import { InputError } from '@backstage/errors';
import { type ActionScope, actionScopes } from '@callboard/actions-api';

/** All that a scope string allows, implied scopes included and foreign ones left out, narrowest first. */
export function expandScopes(scope: string): ActionScope[] {
  const named = scope.split(' ');
  const broadest = actionScopes.findLastIndex(actionScope => named.includes(actionScope));
  return actionScopes.slice(0, broadest + 1);
}

/**
 * What a person grants of what was requested. The granted scopes need not be nested as typed: whoever ticks `write`
 * allows reading, too.
 *
 * @throws InputError if nothing is granted, or something that was not requested.
 */
export function narrowScopes(requested: readonly ActionScope[], granted: readonly string[]): ActionScope[] {
  const foreign = granted.find(scope => !(requested as readonly string[]).includes(scope));
  if (foreign !== undefined) {
    throw new InputError(`The scope ${JSON.stringify(foreign)} was not requested`);
  }
  const scopes = expandScopes(granted.join(' '));
  if (scopes.length === 0) {
    throw new InputError('Allow at least one thing, or decline');
  }
  return scopes;
}
