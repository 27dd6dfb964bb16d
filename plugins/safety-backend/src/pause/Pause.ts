export const pauseScopes = ['writes', 'everything'] as const;
export type PauseScope = (typeof pauseScopes)[number];

/** Where a pause comes from; `unknown` if it cannot be found out whether there is one. */
export type PauseSource = 'database' | 'file' | 'unknown';

export interface Pause {
  readonly source: PauseSource;
  readonly scope: PauseScope;
  readonly reason: string;
  /** ISO 8601, UTC; absent where nobody knows. */
  readonly since?: string;
  /** A principal, or what else paused the server. */
  readonly by?: string;
}

/** The longest reason that is taken, in characters. */
export const MAX_REASON = 500;

/** The one with the broadest scope: what a refused caller is told of. */
export function findBroadest(pauses: readonly Pause[]): Pause | undefined {
  return pauses.find(({ scope }) => scope === 'everything') ?? pauses[0];
}
