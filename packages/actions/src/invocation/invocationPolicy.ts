import { createServiceFactory, createServiceRef } from '@backstage/backend-plugin-api';
import { type AuditTrails, auditTrailsImplementationRef } from './AuditTrails.js';
import { type ActionGateChecks, actionGateChecksServiceRef } from './actionGates.js';

/** What other plugins have put on the path of every call. */
export interface InvocationPolicy {
  readonly gates: ActionGateChecks;
  readonly trails: AuditTrails;
}

export const invocationPolicyServiceRef = createServiceRef<InvocationPolicy>({
  id: 'callboard.invocationPolicy',
  scope: 'root',
});

export const invocationPolicyServiceFactory = createServiceFactory({
  service: invocationPolicyServiceRef,
  deps: { gates: actionGateChecksServiceRef, trails: auditTrailsImplementationRef },
  factory: policy => policy,
});
