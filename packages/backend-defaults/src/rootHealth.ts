import { coreServices, createServiceFactory } from '@backstage/backend-plugin-api';
import { ServiceUnavailableError } from '@backstage/errors';
import { replicasServiceRef, type SharedRedis } from '@callboard/actions';
import { deploymentDatabaseServiceRef } from './deploymentDatabase.js';
import { type Part, Readiness } from './Readiness.js';

/** After so long a question to the database is given up, together with its connection. */
const QUESTION_MS = 1_500;

/** Backstage's health service, whose readiness also depends on the database server and Redis. */
export const rootHealthServiceFactory = createServiceFactory({
  service: coreServices.rootHealth,
  deps: {
    database: deploymentDatabaseServiceRef,
    lifecycle: coreServices.rootLifecycle,
    logger: coreServices.rootLogger,
    replicas: replicasServiceRef,
  },
  factory({ database, lifecycle, logger, replicas: { redis } }) {
    const parts: Part[] = [
      ...(database
        ? [
            {
              name: 'database',
              ask: async () => (await database.getClient()).raw('select 1').timeout(QUESTION_MS),
            },
          ]
        : []),
      ...(redis ? [{ name: 'redis', ask: () => askRedis(redis) }] : []),
    ];
    const readiness = new Readiness({ parts, logger });
    lifecycle.addStartupHook(() => readiness.started());
    lifecycle.addBeforeShutdownHook(() => readiness.stopping());
    return readiness;
  },
});

async function askRedis(redis: SharedRedis): Promise<void> {
  if (!redis.isReady) {
    throw new ServiceUnavailableError('other replicas do not hear this one');
  }
  await redis.command(['PING']);
}
