import { coreServices, createServiceFactory } from '@backstage/backend-plugin-api';
import {
  actionGateChecksServiceRef,
  CallPolicy,
  type InvocationPolicy,
  invocationPolicyServiceRef,
  secretsDeskServiceRef,
} from '@callboard/actions';
import { approvalsServiceRef, auditTrailsServiceRef, visibilityRulesServiceRef } from '@callboard/actions-api';

/** What a backend decides by, with rules about callers that a test can change while it runs. */
export function changeablePolicy() {
  let rules = new CallPolicy({ mode: { value: 'full_access', config: 'a test' }, profiles: {}, callers: [] });
  const feature = createServiceFactory({
    service: invocationPolicyServiceRef,
    deps: {
      visibilityRules: visibilityRulesServiceRef,
      gates: actionGateChecksServiceRef,
      approvals: approvalsServiceRef,
      secrets: secretsDeskServiceRef,
      trails: auditTrailsServiceRef,
      logger: coreServices.rootLogger,
    },
    // The services behind the public refs are those that the invocation path uses.
    factory: services =>
      ({
        ...(services as unknown as InvocationPolicy),
        timeoutSeconds: 300,
        get rules() {
          return rules;
        },
      }) satisfies InvocationPolicy,
  });
  return {
    feature,
    change(next: CallPolicy): void {
      rules = next;
    },
  };
}
