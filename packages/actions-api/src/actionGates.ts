import { type BackstageCredentials, createServiceRef } from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { Caller } from './callers.js';
import type { ActionEffect } from './effects.js';
import type { Finding } from './explanations.js';
import type { SafetyMode } from './safetyModes.js';

/** Through what a call came in: an MCP client, the HTTP invoke endpoint, or code in this process. */
export type ActionDoor = 'mcp' | 'http' | 'in-process';

/** Who makes a call, and under which rule. */
export interface ActionCallInfo extends Caller {
  /** Unique per call; in logs, audit events and the answer to an unexpected failure. */
  readonly requestId: string;
  /** The strictest mode that applies to the call. */
  readonly mode: SafetyMode;
}

/** A call as the gates see it: its input is checked, its effect is settled. */
export interface ActionCall extends ActionCallInfo {
  readonly action: ActionsServiceAction;
  readonly effect: ActionEffect;
  readonly input: unknown;
  /** The caller, as the plugin at the door saw them. */
  readonly credentials: BackstageCredentials;
  readonly signal: AbortSignal;
  /** Has the audit trail say why the call was let through or refused: `needs_approval_…` or `refuse_…`. */
  decide(decision: string): void;
  /**
   * Called once when the call has ended, however it ended; `ran` says whether its handler was
   * started. What it throws is logged and changes nothing.
   */
  whenEnded(listener: (end: { ran: boolean }) => void | Promise<void>): void;
}

/** The places in a call's path where plugins may refuse it, in the order in which they run. */
export const actionGateStages = ['pause', 'scopes', 'safetyMode', 'limits', 'approval'] as const;
export type ActionGateStage = (typeof actionGateStages)[number];

/** A call that nobody has made, about which somebody asks. */
export interface ExplainedCall extends Caller {
  readonly action: ActionsServiceAction;
  readonly effect: ActionEffect;
}

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
  /** What it would say of such a call, counting nothing. */
  explain?(call: ExplainedCall): Finding | Promise<Finding>;
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
