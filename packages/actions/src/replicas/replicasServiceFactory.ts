import { createServiceFactory } from '@backstage/backend-plugin-api';
import { LoneReplica } from './LoneReplica.js';
import { replicasServiceRef } from './Replicas.js';

export const replicasServiceFactory = createServiceFactory({
  service: replicasServiceRef,
  deps: {},
  factory: () => new LoneReplica(),
});
