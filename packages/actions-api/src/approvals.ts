import { createServiceRef } from '@backstage/backend-plugin-api';
import type { JsonValue } from '@backstage/types';
import type { Caller } from './callers.js';
import type { ActionEffect } from './effects.js';
import type { SafetyMode } from './safetyModes.js';

/** What a call would change, as far as the action can say before it runs. */
export interface ActionPreview {
  /** One sentence for the person who decides. */
  readonly summary?: string;
  /** The thing as it is; `null` if it does not exist yet. */
  readonly before?: JsonValue;
  /** The thing as it would be; `null` if it would be gone. */
  readonly after?: JsonValue;
}

/** What a person decides about. */
export interface ApprovalRequest extends Omit<Caller, 'scopes'> {
  /**
   * SHA-256 of principal, action fingerprint, canonical arguments and environment, in hexadecimal:
   * an approval is good for calls of the same binding only.
   */
  readonly binding: string;
  /** What the agent calls itself; nobody has checked it. */
  readonly agentId: string | undefined;
  readonly actionId: string;
  readonly title: string;
  readonly description: string;
  readonly fingerprint: string;
  readonly effect: ActionEffect;
  readonly mode: SafetyMode;
  /** Which rule demands the approval, with its configuration key. */
  readonly rule: string;
  /** Why the agent wants it, in its own words. */
  readonly reason: string | undefined;
  readonly environment: string;
  /** Without secrets and cut to a readable size. */
  readonly arguments: JsonValue;
  readonly preview: ActionPreview | undefined;
}

export const approvalStates = ['pending', 'approved', 'denied', 'used', 'expired'] as const;
/** `approved` waits for the call to be made again; `used` means that it was. */
export type ApprovalState = (typeof approvalStates)[number];

/** Where a person decided: in the caller's own client, on the page, over REST or through an action. */
export type ApprovalChannel = 'client' | 'page' | 'rest' | 'action';

export interface Approval {
  /** At least 128 random bits. */
  readonly id: string;
  readonly state: ApprovalState;
  readonly request: ApprovalRequest;
  /** ISO 8601, UTC. */
  readonly requestedAt: string;
  /** ISO 8601, UTC: when a pending one is too late to decide, an approved one too late to use. */
  readonly expiresAt: string;
  readonly decidedAt?: string;
  /** A principal. */
  readonly decidedBy?: string;
  readonly channel?: ApprovalChannel;
  /** What who decided had to say. */
  readonly comment?: string;
}

/** How the caller's client answered the question. */
export type ClientAnswer = 'accept' | 'decline' | 'cancel';

/** Keeps approvals: one statement decides each race, also between replicas. */
export interface ApprovalBook {
  /** Whether people can decide without the caller's client: there is a page, and it outlives the process. */
  readonly isDurable: boolean;
  /** Of the same length for ever, at least 32 bytes, and the same in all replicas: signs state that clients carry. */
  stateKey(): Promise<Uint8Array>;
  /**
   * @returns the approval of this binding that is neither used nor expired, if there is one; the
   * newest if there are several. One denied in the caller's client does not count.
   */
  find(binding: string): Promise<Approval | undefined>;
  /**
   * Asks for an approval. If there is one already as `find` would return it, that one is returned.
   *
   * @throws TooManyRequestsError if the principal has too many pending ones.
   */
  open(request: ApprovalRequest): Promise<Approval>;
  /**
   * Uses up an `approved` one of this binding. Of any number of attempts, at once or later, one gets it.
   *
   * @returns undefined if there is none.
   */
  redeem(binding: string): Promise<Approval | undefined>;
  /**
   * Takes the answer that the caller's client gave for a person. `accept` approves and uses up at
   * once, so that of any number of attempts one succeeds.
   *
   * @returns the approval as it is now, or undefined if it is not this binding's, was decided
   * otherwise, is used or has expired.
   */
  answer(id: string, binding: string, answer: ClientAnswer): Promise<Approval | undefined>;
  /** The page on which a person decides about it; undefined if there is none. */
  urlOf(approval: Approval): string | undefined;
}

/** Where the plugin that keeps approvals announces itself; until then they are kept in memory. */
export interface ApprovalsService {
  /** @throws Error if there is one already. */
  provide(book: ApprovalBook): void;
}

export const approvalsServiceRef = createServiceRef<ApprovalsService>({ id: 'callboard.approvals', scope: 'root' });
