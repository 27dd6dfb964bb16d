import {
  coreServices,
  createServiceFactory,
  createServiceRef,
  type RootLifecycleService,
  type RootLoggerService,
} from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import { type DeploymentDatabase, deploymentDatabaseServiceRef } from './deploymentDatabase.js';

/** Any number that nobody else in the database takes for an advisory lock. */
const LOCK_KEY = 7_007_202_511;
/** Longer than a start takes that makes all tables. */
const WAIT_MS = 60_000;

const startLockServiceRef = createServiceRef<object>({ id: 'callboard.startLock', scope: 'root' });

/**
 * Lets processes that share a PostgreSQL server start one after the other: Backstage's own migrations,
 * such as those of the keys by which plugins know each other, fail where several make them at once.
 */
export const startLockServiceFactory = createServiceFactory({
  service: startLockServiceRef,
  deps: {
    database: deploymentDatabaseServiceRef,
    lifecycle: coreServices.rootLifecycle,
    logger: coreServices.rootLogger,
  },
  initialization: 'always',
  async factory({ database, lifecycle, logger }) {
    if (database) {
      await holdUntilStarted(database, lifecycle, logger);
    }
    return {};
  },
});

async function holdUntilStarted(
  database: DeploymentDatabase,
  lifecycle: RootLifecycleService,
  logger: RootLoggerService,
): Promise<void> {
  try {
    const client = await database.getClient();
    // Held by a transaction, not by the connection: that works through poolers, too.
    const transaction = await client.transaction();
    const release = async () => {
      if (!transaction.isCompleted()) {
        // If the connection is lost, so is the lock.
        await transaction.commit().catch(() => {});
      }
    };
    lifecycle.addStartupHook(release);
    lifecycle.addShutdownHook(release);
    await transaction.raw(`set local lock_timeout = ${WAIT_MS}`);
    await transaction.raw('set local idle_in_transaction_session_timeout = 0');
    await transaction.raw('select pg_advisory_xact_lock(?)', [LOCK_KEY]).catch(async error => {
      await transaction.rollback();
      throw error;
    });
  } catch (error) {
    // What is wrong with the database, the plugins that need it say better.
    logger.warn(`Starting without waiting for other processes that start: ${toError(error).message}`);
  }
}
