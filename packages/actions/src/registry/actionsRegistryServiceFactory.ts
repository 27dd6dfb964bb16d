import { coreServices, createServiceFactory } from '@backstage/backend-plugin-api';
import { type ActionsRegistryService, actionsRegistryServiceRef } from '@callboard/actions-api';
import { compileActionFilter } from '../catalogue/ActionFilter.js';
import { catalogueEventsServiceRef } from '../catalogue/CatalogueEvents.js';
import { readActionsConfig } from '../config.js';
import { invocationPolicyServiceRef } from '../invocation/invocationPolicy.js';
import { createActionsRouter } from './actionsRouter.js';
import { localActionsServiceRef } from './localActions.js';
import { PluginActions } from './PluginActions.js';
import { type GivenAction, prepareAction, printableName } from './prepareAction.js';

/** Callboard's registry in place of Backstage's: the same contract, everything prepared once. */
export const actionsRegistryServiceFactory = createServiceFactory({
  service: actionsRegistryServiceRef,
  deps: {
    metadata: coreServices.pluginMetadata,
    config: coreServices.rootConfig,
    httpRouter: coreServices.httpRouter,
    httpAuth: coreServices.httpAuth,
    auth: coreServices.auth,
    auditor: coreServices.auditor,
    events: catalogueEventsServiceRef,
    logger: coreServices.logger,
    permissions: coreServices.permissions,
    permissionsRegistry: coreServices.permissionsRegistry,
    localActions: localActionsServiceRef,
    policy: invocationPolicyServiceRef,
  },
  factory({ metadata, config, events, httpRouter, permissionsRegistry, localActions, ...services }) {
    const pluginId = metadata.getId();
    const { pluginSources, filter } = readActionsConfig(config);
    const isIncluded = compileActionFilter(filter);
    const actions = new PluginActions({
      ...services,
      pluginId,
      isPublished: action => (pluginSources?.includes(pluginId) ?? true) && isIncluded(action),
      check: action => localActions.check(action),
    });
    localActions.add(actions);
    httpRouter.use(createActionsRouter({ ...services, actions }));

    return {
      register(options: unknown) {
        const given = options as GivenAction;
        const prepared = prepareAction(pluginId, given);
        if ('problems' in prepared) {
          actions.refuse(`${pluginId}:${printableName(given?.name)}`, prepared.problems.join('; '));
          return;
        }
        if (prepared.visibilityPermission) {
          // First: what cannot be added any more, as after the start, must keep the action from being published.
          permissionsRegistry.addPermissions([prepared.visibilityPermission]);
        }
        actions.add(prepared);
        if (actions.known.includes(prepared.descriptor)) {
          events.emit({ kind: 'tools' });
        }
      },
    } as ActionsRegistryService;
  },
});
