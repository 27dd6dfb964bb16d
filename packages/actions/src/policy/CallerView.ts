import type { BackstageCredentials } from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import { type ActionDoor, type Caller, principalName } from '@callboard/actions-api';
import type { VisibleActions } from '../catalogue/VisibleAction.js';
import {
  type ApprovalNeed,
  approvalNeedOf,
  type CallPolicy,
  findProfileLackingAny,
  rulingOnAny,
} from './CallPolicy.js';
import type { VisibilityRules } from './VisibilityRules.js';

/**
 * What rules leave of the actions that a caller may see: what the caller's profiles lack, what is
 * held back, and what their mode refuses whatever the input is not listed.
 */
export class CallerView {
  /** Equal keys leave the same of the same actions, within this process. */
  readonly key: string;
  readonly #isListed: (action: ActionsServiceAction) => boolean;
  readonly #approvalNeedOf: (action: ActionsServiceAction) => ApprovalNeed;

  constructor(options: { rules: CallPolicy; visibilityRules: VisibilityRules; caller: Caller }) {
    const { visibilityRules, caller } = options;
    const rules = options.rules.rulesFor(caller);
    this.key = `${rules.key} ${visibilityRules.version}`;
    this.#isListed = action =>
      !findProfileLackingAny(rules, action) &&
      rulingOnAny(rules, action) !== 'refuse' &&
      !visibilityRules.findHolding(action);
    this.#approvalNeedOf = action => approvalNeedOf(rules, action);
  }

  isListed(action: ActionsServiceAction): boolean {
    return this.#isListed(action);
  }

  /** Whether a person has to approve this caller's calls of an action, as far as modes say. */
  approvalNeedOf(action: ActionsServiceAction): ApprovalNeed {
    return this.#approvalNeedOf(action);
  }

  filter({ descriptors, fingerprint }: VisibleActions): VisibleActions {
    return {
      descriptors: descriptors.filter(this.#isListed),
      fingerprint: `${fingerprint} ${this.key}`,
    };
  }
}

/** A caller at a door that knows of no servers and no access tokens. */
export function callerThrough(door: Exclude<ActionDoor, 'mcp'>, credentials: BackstageCredentials): Caller {
  return { principal: principalName(credentials), door, clientId: undefined, server: undefined, scopes: undefined };
}
