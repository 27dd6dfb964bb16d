import { createServiceRef } from '@backstage/backend-plugin-api';
import type { ActionDoor } from './actionGates.js';
import type { ApprovalChannel } from './approvals.js';
import type { ActionEffect } from './effects.js';
import type { SafetyMode } from './safetyModes.js';

/** A call as a trail records it. Results are not part of it: a trail says what was done, not what was seen. */
export interface AuditedCall {
  readonly requestId: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly principal: string;
  /** The OAuth client that acts for the principal, where there is one. */
  readonly clientId: string | undefined;
  /** What the agent calls itself; nobody has checked it. */
  readonly agentId: string | undefined;
  readonly door: ActionDoor;
  /** The named MCP server; `undefined` for the default one and other doors. */
  readonly server: string | undefined;
  /** As the caller asked for it: an action id or a tool name. */
  readonly name: string;
  /** `undefined` if no such action is visible to the caller. */
  readonly actionId: string | undefined;
  /** `fingerprintOf` the action as it was at this call. */
  readonly fingerprint: string | undefined;
  readonly effect: ActionEffect | undefined;
  /** The strictest mode that applies to the call. */
  readonly mode: SafetyMode | undefined;
  /** The arguments; unchecked where the call was refused before they were. Secrets are never among them. */
  readonly input: unknown;
  /** `allow`, or why the call was refused or let through: `refuse_…`, `needs_approval_…`. */
  readonly decision: string;
  /** The approval that the call asked for or used, and who decided. */
  readonly approval:
    | { readonly id: string; readonly decidedBy?: string; readonly channel?: ApprovalChannel }
    | undefined;
}

/** How a call that was let through has ended. */
export interface AuditOutcome {
  readonly durationMs: number;
  readonly error: { readonly name: string; readonly message: string } | undefined;
}

/** The record of one call that is under way. */
export interface AuditEntry {
  /** @throws if the caller must not be told of success without the record. */
  finish(outcome: AuditOutcome): Promise<void>;
}

/** A place where calls are recorded. */
export interface AuditTrail {
  /** Unique; named in logs. */
  readonly id: string;
  /**
   * Records that a call is about to run.
   *
   * @throws to keep it from running.
   */
  begin(call: AuditedCall): Promise<AuditEntry>;
  /** Records a call that does not run. What it throws changes nothing: the call is refused in any case. */
  refuse(call: AuditedCall, outcome: AuditOutcome): Promise<void>;
}

/** Collects the trails of all plugins of this process; every call at every door is recorded in each. */
export interface AuditTrailsService {
  /** @throws Error if a trail of that id exists. */
  add(trail: AuditTrail): void;
}

export const auditTrailsServiceRef = createServiceRef<AuditTrailsService>({
  id: 'callboard.auditTrails',
  scope: 'root',
});
