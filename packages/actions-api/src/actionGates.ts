import { type BackstageCredentials, createServiceRef } from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { ActionEffect } from './effects.js';

/** Through what a call came in: an MCP client, the HTTP invoke endpoint, or code in this process. */
export type ActionDoor = 'mcp' | 'http' | 'in-process';

/** A call as the gates see it. */
export interface ActionCall {
  /** Unique per call; in logs, audit events and the answer to an unexpected failure. */
  readonly requestId: string;
  readonly action: ActionsServiceAction;
  /** By the action's attributes in the `pause` stage, as it says of the checked input from `scopes` on. */
  readonly effect: ActionEffect;
  /** Unchecked in the `pause` stage, checked from `scopes` on. */
  readonly input: unknown;
  /** The caller, as the plugin at the door saw them. */
  readonly credentials: BackstageCredentials;
  readonly door: ActionDoor;
  /** The named MCP server the call came through; `undefined` for the default server and other doors. */
  readonly server: string | undefined;
  /** What the caller's access token is good for; `undefined` for callers that have no such limits. */
  readonly scopes: readonly string[] | undefined;
  readonly signal: AbortSignal;
  /** Has the audit trail say why the call was let through or refused: `needs_approval_…` or `refuse_…`. */
  decide(decision: string): void;
}

/** The places in a call's path where plugins may refuse it, in the order in which they run. */
export type ActionGateStage = 'pause' | 'scopes' | 'safetyMode' | 'approval';

/** A rule that may refuse a call, and never widens what a caller may do. */
export interface ActionGate {
  /** Unique; named in logs. */
  readonly id: string;
  readonly stage: ActionGateStage;
  /**
   * @throws an error of `@backstage/errors` to refuse the call. Any other error refuses it, too, as
   * an unexpected failure.
   */
  check(call: ActionCall): void | Promise<void>;
}

/** Collects the gates of all plugins of this process. They hold at every door. */
export interface ActionGatesService {
  /** @throws Error if a gate of that id exists. */
  add(gate: ActionGate): void;
}

export const actionGatesServiceRef = createServiceRef<ActionGatesService>({
  id: 'callboard.actionGates',
  scope: 'root',
});
