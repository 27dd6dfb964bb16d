import { coreServices, createServiceFactory, createServiceRef } from '@backstage/backend-plugin-api';
import { ActionCatalogue } from '../catalogue/ActionCatalogue.js';
import { readActionsConfig } from '../config.js';
import { localPromptsServiceRef, localResourcesServiceRef } from './localOffers.js';

/** What there is besides actions, seen from one plugin; only of plugins in this process. */
export interface OfferCatalogues {
  readonly resources: ActionCatalogue;
  readonly prompts: ActionCatalogue;
}

export const offerCataloguesServiceRef = createServiceRef<OfferCatalogues>({
  id: 'callboard.offerCatalogues',
  scope: 'plugin',
});

export const offerCataloguesServiceFactory = createServiceFactory({
  service: offerCataloguesServiceRef,
  deps: {
    auth: coreServices.auth,
    config: coreServices.rootConfig,
    logger: coreServices.logger,
    resources: localResourcesServiceRef,
    prompts: localPromptsServiceRef,
  },
  factory({ auth, config, logger, resources, prompts }) {
    const sourceIds = readActionsConfig(config).pluginSources ?? [];
    return {
      resources: new ActionCatalogue({ auth, logger, sourceIds, local: resources }),
      prompts: new ActionCatalogue({ auth, logger, sourceIds, local: prompts }),
    };
  },
});
