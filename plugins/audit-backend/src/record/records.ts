import type { ActionEffect, ApprovalChannel, SafetyMode } from '@callboard/actions-api';

/** Of a call: it is about to run, it has ended, or it was refused. */
export const callRecordKinds = ['intent', 'outcome', 'refusal'] as const;

/** What the trail says of a call. One that runs has two of these, with the same `requestId`. */
export interface CallRecord {
  readonly kind: (typeof callRecordKinds)[number];
  /** ISO 8601, UTC: when this was recorded. */
  readonly time: string;
  readonly requestId: string;
  readonly principal: string;
  readonly clientId?: string;
  /** What the agent called itself; nobody has checked it. */
  readonly agentId?: string;
  readonly door: string;
  readonly server?: string;
  readonly name: string;
  readonly actionId?: string;
  readonly effect?: ActionEffect;
  /** The strictest that applied to the call. */
  readonly mode?: SafetyMode;
  readonly decision: string;
  /** The approval that the call asked for or used. */
  readonly approvalId?: string;
  /** A principal. */
  readonly decidedBy?: string;
  /** Where they decided. */
  readonly channel?: ApprovalChannel;
  /** Of the action as it was at this call. */
  readonly fingerprint?: string;
  /** Without secrets; not part of an outcome. */
  readonly input?: unknown;
  /** How large the input was, at least; only if it was cut. */
  readonly inputBytes?: number;
  readonly durationMs?: number;
  readonly error?: { readonly name: string; readonly message: string };
}

/** The trail was opened, or a file of it was begun. */
export interface TrailRecord {
  readonly kind: 'start' | 'file';
  readonly time: string;
  /** Records before this one were removed because files are kept in a limited number only. */
  readonly keptFrom?: number;
}

export type RecordContent = CallRecord | TrailRecord;

/** What links a record to the one before it. */
export interface Seal {
  readonly chain: string;
  /** Counts from 1. */
  readonly seq: number;
  /** Of the record before; zeros for the first one. */
  readonly prevHash: string;
  /** SHA-256 of the record's canonical JSON without this field. */
  readonly hash: string;
}

export type SealedRecord = RecordContent & Seal;
