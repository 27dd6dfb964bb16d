import './oneCopy.js';

import { type Backend, createSpecializedBackend } from '@backstage/backend-app-api';
import { metricsServiceFactory, tracingServiceFactory } from '@backstage/backend-defaults/alpha';
import { cacheServiceFactory } from '@backstage/backend-defaults/cache';
import { databaseServiceFactory } from '@backstage/backend-defaults/database';
import { discoveryServiceFactory } from '@backstage/backend-defaults/discovery';
import { httpAuthServiceFactory } from '@backstage/backend-defaults/httpAuth';
import { httpRouterServiceFactory } from '@backstage/backend-defaults/httpRouter';
import { lifecycleServiceFactory } from '@backstage/backend-defaults/lifecycle';
import { loggerServiceFactory } from '@backstage/backend-defaults/logger';
import { permissionsServiceFactory } from '@backstage/backend-defaults/permissions';
import { permissionsRegistryServiceFactory } from '@backstage/backend-defaults/permissionsRegistry';
import { rootLifecycleServiceFactory } from '@backstage/backend-defaults/rootLifecycle';
import { rootSystemMetadataServiceFactory } from '@backstage/backend-defaults/rootSystemMetadata';
import { userInfoServiceFactory } from '@backstage/backend-defaults/userInfo';
import { coreServices, createServiceFactory } from '@backstage/backend-plugin-api';
import type { Config } from '@backstage/config';
import { actionsServiceFactories } from '@callboard/actions';
import { auditorServiceFactory } from './auditorService.js';
import { authServiceFactory } from './authService.js';
import { callsUnderWayServiceFactory } from './callsUnderWayService.js';
import { deploymentDatabaseServiceFactory } from './deploymentDatabase.js';
import { schedulerServiceFactory, urlReaderServiceFactory } from './lazyServices.js';
import { loadConfig } from './loadConfig.js';
import { rootHealthServiceFactory } from './rootHealth.js';
import { httpServiceFactories } from './rootHttpRouter.js';
import { rootLoggerServiceFactory } from './rootLogger.js';
import { startLockServiceFactory } from './startLock.js';

export interface CreateBackendOptions {
  /** Loaded from files and environment, as {@link loadConfig} does without options, if not given. */
  config?: Config;
}

/**
 * Creates a backend from Backstage's service factories and Callboard's actions services. Each can be
 * replaced by adding another factory for the same service.
 *
 * Services come from subpaths of `@backstage/backend-defaults`: its main entry loads twice as much.
 */
export function createBackend({ config }: CreateBackendOptions = {}): Backend {
  return createSpecializedBackend({
    defaultServiceFactories: [
      createServiceFactory({
        service: coreServices.rootConfig,
        deps: {},
        factory: () => config ?? loadConfig(),
      }),
      auditorServiceFactory,
      authServiceFactory,
      cacheServiceFactory,
      callsUnderWayServiceFactory,
      databaseServiceFactory,
      deploymentDatabaseServiceFactory,
      discoveryServiceFactory,
      httpAuthServiceFactory,
      httpRouterServiceFactory,
      lifecycleServiceFactory,
      loggerServiceFactory,
      metricsServiceFactory,
      permissionsServiceFactory,
      permissionsRegistryServiceFactory,
      rootHealthServiceFactory,
      ...httpServiceFactories(),
      rootLifecycleServiceFactory,
      rootLoggerServiceFactory,
      rootSystemMetadataServiceFactory,
      schedulerServiceFactory,
      startLockServiceFactory,
      tracingServiceFactory,
      urlReaderServiceFactory,
      userInfoServiceFactory,
      ...actionsServiceFactories,
    ],
  });
}
