import type { AnsweredApproval, AnsweredSecrets, CallSignal } from '@callboard/actions';
import type { CallClient } from '@callboard/actions-api';

/** What is known of the client behind a request, and what came of asking it. */
export interface ClientSide {
  readonly signal: CallSignal;
  /** `legacy` is the 2025 era, `modern` 2026-07-28. */
  readonly era?: 'legacy' | 'modern';
  /** What the agent calls itself; nobody has checked it. */
  readonly agentId?: string;
  /** Why the agent makes the call, in its own words. */
  readonly reason?: string;
  /** Whether a person can be asked through the client (MCP, elicitation in form mode). */
  readonly canAsk?: boolean;
  readonly answered?: AnsweredApproval;
  /** Whether a person can be shown a page through the client (MCP, elicitation in URL mode). */
  readonly canOpenUrl?: boolean;
  /** What came of showing the page for the secrets of the call. */
  readonly answeredSecrets?: AnsweredSecrets;
  /** Whether it answers questions of a call that does not wait for them, or not any more. */
  readonly isLate?: boolean;
  /** For the handler of the call. */
  readonly client?: CallClient;
}
