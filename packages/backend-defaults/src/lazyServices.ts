import type { ReaderFactory } from '@backstage/backend-defaults/urlReader';
import { coreServices, createServiceFactory, createServiceRef } from '@backstage/backend-plugin-api';
import { metricsServiceRef } from '@backstage/backend-plugin-api/alpha';

// Backstage's services whose code takes long to load and that few plugins use: it is loaded when one asks.

/** The same service as Backstage's `urlReaderFactoriesServiceRef`, which cannot be imported without what it comes with. */
const urlReaderFactoriesServiceRef = createServiceRef<ReaderFactory>({
  id: 'core.urlReader.factories',
  scope: 'plugin',
  multiton: true,
});

export const urlReaderServiceFactory = createServiceFactory({
  service: coreServices.urlReader,
  deps: {
    config: coreServices.rootConfig,
    logger: coreServices.logger,
    factories: urlReaderFactoriesServiceRef,
  },
  async factory(deps) {
    const { UrlReaders } = await import('@backstage/backend-defaults/urlReader');
    return UrlReaders.default(deps);
  },
});

export const schedulerServiceFactory = createServiceFactory({
  service: coreServices.scheduler,
  deps: {
    database: coreServices.database,
    httpRouter: coreServices.httpRouter,
    logger: coreServices.logger,
    metrics: metricsServiceRef,
    pluginMetadata: coreServices.pluginMetadata,
    rootLifecycle: coreServices.rootLifecycle,
  },
  async factory(deps) {
    const { DefaultSchedulerService } = await import('@backstage/backend-defaults/scheduler');
    return DefaultSchedulerService.create(deps);
  },
});
