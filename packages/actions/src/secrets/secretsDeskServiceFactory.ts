import { coreServices, createServiceFactory, createServiceRef } from '@backstage/backend-plugin-api';
import { readActionsConfig } from '../config.js';
import { replicasServiceRef } from '../replicas/Replicas.js';
import { SecretsDesk } from './SecretsDesk.js';

/** Secrets that people enter for calls; whoever has pages for that opens the desk. */
export const secretsDeskServiceRef = createServiceRef<SecretsDesk>({ id: 'callboard.secretsDesk', scope: 'root' });

export const secretsDeskServiceFactory = createServiceFactory({
  service: secretsDeskServiceRef,
  deps: { config: coreServices.rootConfig, replicas: replicasServiceRef },
  factory: ({ config, replicas }) => new SecretsDesk({ environment: readActionsConfig(config).environment, replicas }),
});
