import {
  type BackendFeature,
  type BackstageCredentials,
  coreServices,
  createBackendPlugin,
} from '@backstage/backend-plugin-api';
import { type ActionsService, actionsServiceRef } from '@backstage/backend-plugin-api/alpha';
import { type ActionsRegistryService, actionsRegistryServiceRef } from '@callboard/actions-api';

/** A plugin that does nothing but register actions. */
export function actionsPlugin(pluginId: string, register: (registry: ActionsRegistryService) => void): BackendFeature {
  return createBackendPlugin({
    pluginId,
    register(env) {
      env.registerInit({
        deps: { registry: actionsRegistryServiceRef },
        async init({ registry }) {
          register(registry);
        },
      });
    },
  });
}

/** Code in the process of a backend that lists and calls actions. */
export interface InProcessCaller {
  readonly feature: BackendFeature;
  readonly actions: ActionsService;
  /** What this plugin makes of a token that is sent to it. */
  authenticate(token: string): Promise<BackstageCredentials>;
  ownCredentials(): Promise<BackstageCredentials>;
  noCredentials(): Promise<BackstageCredentials>;
}

export function inProcessCaller(pluginId = 'caller'): InProcessCaller {
  let services: { actions: ActionsService; auth: typeof coreServices.auth.T } | undefined;
  const started = () => {
    if (!services) {
      throw new Error('The backend has not started');
    }
    return services;
  };
  return {
    feature: createBackendPlugin({
      pluginId,
      register(env) {
        env.registerInit({
          deps: { actions: actionsServiceRef, auth: coreServices.auth },
          async init(deps) {
            services = deps;
          },
        });
      },
    }),
    get actions() {
      return started().actions;
    },
    authenticate: token => started().auth.authenticate(token),
    ownCredentials: () => started().auth.getOwnServiceCredentials(),
    noCredentials: () => started().auth.getNoneCredentials(),
  };
}
