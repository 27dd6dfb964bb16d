/** What a scope allows, in the words of the consent page. */
export interface ScopeInWords {
  scope: string;
  title: string;
  description: string;
}

/** From narrow to broad; each one includes those before it. */
export const scopesInWords: readonly ScopeInWords[] = [
  {
    scope: 'actions:read',
    title: 'Look things up',
    description: 'Run actions that only read.',
  },
  {
    scope: 'actions:write',
    title: 'Make changes',
    description: 'Also run actions that create or change things.',
  },
  {
    scope: 'actions:destructive',
    title: 'Delete and overwrite',
    description: 'Also run actions that may destroy data or cannot be undone, and those that do not say what they do.',
  },
];

/** The scopes a person can choose from: those asked for, and the narrower ones that they include. */
export function offeredScopes(requested: readonly string[]): readonly ScopeInWords[] {
  const broadest = scopesInWords.findLastIndex(({ scope }) => requested.includes(scope));
  return scopesInWords.slice(0, broadest + 1);
}

/**
 * What the ticked boxes add up to. A broad scope includes the narrower ones, so one that is left out takes those
 * after it away: the person never grants more than each ticked box says.
 */
export function grantedScopes(requested: readonly string[], ticked: readonly string[]): string[] {
  const offered = offeredScopes(requested).map(({ scope }) => scope);
  const firstLeftOut = offered.findIndex(scope => !ticked.includes(scope));
  return firstLeftOut === -1 ? offered : offered.slice(0, firstLeftOut);
}

/** The title of a scope; an unknown one stands for itself. */
export function scopeTitle(scope: string): string {
  return scopesInWords.find(entry => entry.scope === scope)?.title ?? scope;
}
