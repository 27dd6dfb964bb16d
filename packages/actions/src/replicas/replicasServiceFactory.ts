import { createHash } from 'node:crypto';
import { coreServices, createServiceFactory } from '@backstage/backend-plugin-api';
import type { Approvals } from '../approval/Approvals.js';
import { approvalsImplementationRef } from '../approval/approvalsServiceFactory.js';
import { readActionsConfig } from '../config.js';
import { LoneReplica } from './LoneReplica.js';
import { RedisReplicas } from './RedisReplicas.js';
import { replicasServiceRef } from './Replicas.js';

export const replicasServiceFactory = createServiceFactory({
  service: replicasServiceRef,
  deps: {
    approvals: approvalsImplementationRef,
    config: coreServices.rootConfig,
    lifecycle: coreServices.rootLifecycle,
    logger: coreServices.rootLogger,
  },
  async factory({ approvals, config, lifecycle, logger }) {
    const { redis: url, prefix, secret } = readActionsConfig(config).replicas;
    if (url === undefined) {
      return new LoneReplica();
    }
    const replicas = new RedisReplicas({ url, prefix, getKey: () => getCommonKey(secret, approvals), logger });
    lifecycle.addShutdownHook(() => replicas.close());
    await replicas.open();
    // Not before the plugins are there: one of them brings the key, and they answer what others ask.
    lifecycle.addStartupHook(() => void replicas.join());
    return replicas;
  },
});

/** @throws Error if there is none that other processes have, too. */
async function getCommonKey(secret: string | undefined, { book }: Approvals): Promise<Uint8Array> {
  if (secret !== undefined) {
    return createHash('sha256').update(secret).digest();
  }
  if (!book.isDurable) {
    throw new Error(
      'Replicas share the key of the approvals in the database, and there are none: add @callboard/plugin-approvals-backend, or give all replicas the same backend.actions.replicas.secret',
    );
  }
  return book.stateKey();
}
