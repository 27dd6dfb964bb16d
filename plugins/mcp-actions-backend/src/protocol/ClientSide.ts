import type { AnsweredApproval } from '@callboard/actions';
import type { CallClient } from '@callboard/actions-api';

/** What is known of the client behind a request, and what came of asking it. */
export interface ClientSide {
  readonly signal: AbortSignal;
  /** What the agent calls itself; nobody has checked it. */
  readonly agentId?: string;
  /** Why the agent makes the call, in its own words. */
  readonly reason?: string;
  /** Whether a person can be asked through the client (MCP, elicitation in form mode). */
  readonly canAsk?: boolean;
  readonly answered?: AnsweredApproval;
  /** For the handler of the call. */
  readonly client?: CallClient;
}
