import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { actionsRegistryServiceRef } from '@backstage/backend-plugin-api/alpha';
import { dealActions, sourceId } from './actions.mjs';

/** Plugins that register `count` actions together. */
export function benchPlugins({ count, sources }) {
  return dealActions({ count, sources }).map((actions, index) =>
    createBackendPlugin({
      pluginId: sourceId(index),
      register(env) {
        env.registerInit({
          deps: { actionsRegistry: actionsRegistryServiceRef },
          async init({ actionsRegistry }) {
            for (const action of actions) {
              actionsRegistry.register(action);
            }
          },
        });
      },
    }),
  );
}
