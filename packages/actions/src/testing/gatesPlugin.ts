import { type BackendFeature, createBackendPlugin } from '@backstage/backend-plugin-api';
import { type ActionGate, actionGatesServiceRef } from '@callboard/actions-api';

/** A plugin that adds gates. */
export function gatesPlugin(...gates: ActionGate[]): BackendFeature {
  return createBackendPlugin({
    pluginId: 'gatekeeper',
    register(env) {
      env.registerInit({
        deps: { service: actionGatesServiceRef },
        async init({ service }) {
          for (const gate of gates) {
            service.add(gate);
          }
        },
      });
    },
  });
}
