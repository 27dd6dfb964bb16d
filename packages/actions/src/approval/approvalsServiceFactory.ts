import { hkdfSync } from 'node:crypto';
import { coreServices, createServiceFactory, createServiceRef, type ServiceRef } from '@backstage/backend-plugin-api';
import { approvalsServiceRef } from '@callboard/actions-api';
import { readActionsConfig } from '../config.js';
import { Approvals } from './Approvals.js';

/** The same service as `approvalsServiceRef`, as the invocation path uses it. */
export const approvalsImplementationRef = createServiceRef<Approvals>({
  id: approvalsServiceRef.id,
  scope: 'root',
}) as ServiceRef<Approvals, 'root', 'singleton'>;

export const approvalsServiceFactory = createServiceFactory({
  service: approvalsImplementationRef,
  deps: { config: coreServices.rootConfig, logger: coreServices.rootLogger },
  factory({ config, logger }) {
    const { environment, approval, replicas } = readActionsConfig(config);
    const { secret } = replicas;
    return new Approvals({
      environment,
      asksClients: approval.elicitation,
      lifetimeMs: approval.lifetimeMinutes * 60_000,
      stateKey:
        secret === undefined
          ? undefined
          : new Uint8Array(hkdfSync('sha256', secret, '', 'callboard request state', 32)),
      logger,
    });
  },
});
