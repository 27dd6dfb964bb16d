import {
  coreServices,
  createServiceFactory,
  createServiceRef,
  type LoggerService,
} from '@backstage/backend-plugin-api';
import type { Approvals } from '../approval/Approvals.js';
import { approvalsImplementationRef } from '../approval/approvalsServiceFactory.js';
import { readActionsConfig } from '../config.js';
import { CallPolicy } from '../policy/CallPolicy.js';
import { type VisibilityRules, visibilityRulesImplementationRef } from '../policy/VisibilityRules.js';
import type { SecretsDesk } from '../secrets/SecretsDesk.js';
import { secretsDeskServiceRef } from '../secrets/secretsDeskServiceFactory.js';
import { type AuditTrails, auditTrailsImplementationRef } from './AuditTrails.js';
import { type ActionGateChecks, actionGateChecksServiceRef } from './actionGates.js';

/** What configuration and other plugins have put on the path of every call. */
export interface InvocationPolicy {
  readonly rules: CallPolicy;
  readonly visibilityRules: VisibilityRules;
  readonly gates: ActionGateChecks;
  readonly approvals: Approvals;
  readonly secrets: SecretsDesk;
  readonly trails: AuditTrails;
  readonly logger: LoggerService;
  /** How long a handler may take whose action does not say. */
  readonly timeoutSeconds: number;
}

export const invocationPolicyServiceRef = createServiceRef<InvocationPolicy>({
  id: 'callboard.invocationPolicy',
  scope: 'root',
});

export const invocationPolicyServiceFactory = createServiceFactory({
  service: invocationPolicyServiceRef,
  deps: {
    config: coreServices.rootConfig,
    visibilityRules: visibilityRulesImplementationRef,
    gates: actionGateChecksServiceRef,
    approvals: approvalsImplementationRef,
    secrets: secretsDeskServiceRef,
    trails: auditTrailsImplementationRef,
    logger: coreServices.rootLogger,
  },
  factory: ({ config, ...policy }) => {
    const settings = readActionsConfig(config);
    return { ...policy, rules: new CallPolicy(settings), timeoutSeconds: settings.timeoutSeconds };
  },
});
