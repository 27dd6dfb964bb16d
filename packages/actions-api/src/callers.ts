import type { ActionDoor } from './actionGates.js';

/** Who calls, and through what: all that rules about callers can go by. */
export interface Caller {
  /** `user:default/ada`, `ci` for a static token, `plugin:scaffolder`; no measure of rights by itself. */
  readonly principal: string;
  /** The OAuth client that acts for the principal, where there is one. */
  readonly clientId: string | undefined;
  readonly door: ActionDoor;
  /** The named MCP server; `undefined` for the default one and other doors. */
  readonly server: string | undefined;
  /** What the access token is good for; `undefined` for callers that have no such limits. */
  readonly scopes: readonly string[] | undefined;
  /** A profile to which the caller wants to be narrowed, besides those that apply anyway. */
  readonly profile?: string;
}
