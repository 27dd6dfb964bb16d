import { type BackendFeature, createBackendPlugin } from '@backstage/backend-plugin-api';
import {
  type PromptsRegistryService,
  promptsRegistryServiceRef,
  type ResourcesRegistryService,
  resourcesRegistryServiceRef,
} from '@callboard/actions-api';

/** A plugin that does nothing but register resources and prompts. */
export function offersPlugin(
  pluginId: string,
  register: (registries: { resources: ResourcesRegistryService; prompts: PromptsRegistryService }) => void,
): BackendFeature {
  return createBackendPlugin({
    pluginId,
    register(env) {
      env.registerInit({
        deps: { resources: resourcesRegistryServiceRef, prompts: promptsRegistryServiceRef },
        async init(registries) {
          register(registries);
        },
      });
    },
  });
}
