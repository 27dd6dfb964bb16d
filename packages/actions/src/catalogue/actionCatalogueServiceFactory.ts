import { coreServices, createServiceFactory, createServiceRef } from '@backstage/backend-plugin-api';
import { readActionsConfig } from '../config.js';
import { localActionsServiceRef } from '../registry/localActions.js';
import { ActionCatalogue } from './ActionCatalogue.js';
import { compileActionFilter } from './ActionFilter.js';
import { catalogueEventsServiceRef } from './CatalogueEvents.js';
import { RemoteSource } from './RemoteSource.js';

export const actionCatalogueServiceRef = createServiceRef<ActionCatalogue>({
  id: 'callboard.actionCatalogue',
  scope: 'plugin',
});

export const actionCatalogueServiceFactory = createServiceFactory({
  service: actionCatalogueServiceRef,
  deps: {
    auth: coreServices.auth,
    config: coreServices.rootConfig,
    discovery: coreServices.discovery,
    events: catalogueEventsServiceRef,
    local: localActionsServiceRef,
    logger: coreServices.logger,
  },
  factory({ auth, config, discovery, events, local, logger }) {
    const { pluginSources, filter, remote } = readActionsConfig(config);
    const isIncluded = compileActionFilter(filter);
    return new ActionCatalogue({
      auth,
      logger,
      local,
      sourceIds: pluginSources ?? [],
      createRemote: pluginId =>
        new RemoteSource({
          pluginId,
          auth,
          discovery,
          logger,
          remote,
          isIncluded,
          onChange: () => events.emit({ kind: 'tools' }),
        }),
    });
  },
});
