import { recordingLogger } from '@callboard/test-utils';
import { Approvals } from '../approval/Approvals.js';
import { AuditTrails } from '../invocation/AuditTrails.js';
import { ActionGateChecks } from '../invocation/actionGates.js';
import type { InvocationPolicy } from '../invocation/invocationPolicy.js';
import { CallPolicy } from '../policy/CallPolicy.js';
import { VisibilityRules } from '../policy/VisibilityRules.js';
import { SecretsDesk } from '../secrets/SecretsDesk.js';

/** A policy that lets everything through, unless parts of it are given. */
export function openPolicy(parts: Partial<InvocationPolicy> = {}): InvocationPolicy {
  const { logger } = recordingLogger();
  return {
    rules: new CallPolicy({
      mode: { value: 'full_access', config: 'backend.actions.mode' },
      profiles: {},
      callers: [],
    }),
    visibilityRules: new VisibilityRules(),
    gates: new ActionGateChecks(),
    approvals: new Approvals({ environment: 'test', asksClients: true, lifetimeMs: 60_000, logger }),
    secrets: new SecretsDesk({ environment: 'test' }),
    trails: new AuditTrails(),
    logger,
    timeoutSeconds: 300,
    ...parts,
  };
}
