import { createServiceRef } from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { Finding } from './explanations.js';

/** A rule that may hold actions back from everybody: they are neither listed nor callable. */
export interface VisibilityRule {
  /** Unique; named in logs and records: a call of an action that it holds back is `refuse_<id>`. */
  readonly id: string;
  /** Changes whenever `allows` would answer otherwise for any action. */
  readonly version: string;
  /** Asked on every call, so it must be quick. */
  allows(action: ActionsServiceAction): boolean;
  explain?(action: ActionsServiceAction): Finding;
}

export interface VisibilityRulesService {
  /** @throws Error if there is a rule of that id. */
  add(rule: VisibilityRule): void;
  /** Said by a rule when its `version` has changed, so that clients learn that their lists have. */
  changed(): void;
}

export const visibilityRulesServiceRef = createServiceRef<VisibilityRulesService>({
  id: 'callboard.visibilityRules',
  scope: 'root',
});
