import { type BackstageCredentials, createServiceRef } from '@backstage/backend-plugin-api';
import type { Caller } from './callers.js';

/** What one step says of a call. */
export interface Finding {
  /**
   * `asks`: a person has to approve the call. `depends`: the step goes by something that only a real
   * call has.
   */
  readonly verdict: 'passes' | 'refuses' | 'asks' | 'depends';
  /** One sentence. */
  readonly because: string;
  /** The configuration that says so, such as `mcpActions.servers.ops.mode`. */
  readonly config?: string;
}

/** Why a caller may or may not call an action. */
export interface Explanation {
  readonly verdict: Finding['verdict'];
  /** In one sentence, with the step that decides. */
  readonly summary: string;
  /** The steps that a call goes through, in their order; those after a refusal included. */
  readonly steps: readonly ({ readonly step: string } & Finding)[];
}

/** Says why a caller may or may not call an action. Runs nothing, counts nothing. */
export interface ExplanationsService {
  /**
   * @param about.action - an action id.
   * @param about.input - where the action's effect depends on it.
   * @param about.credentials - of whoever asks about themselves: what they may not see does not exist.
   */
  explain(
    about: Caller & { readonly action: string; readonly input?: unknown; readonly credentials?: BackstageCredentials },
  ): Promise<Explanation>;
}

export const explanationsServiceRef = createServiceRef<ExplanationsService>({
  id: 'callboard.explanations',
  scope: 'root',
});
