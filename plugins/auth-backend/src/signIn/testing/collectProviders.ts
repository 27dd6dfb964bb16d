import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { type AuthProviderFactory, authProvidersExtensionPoint } from '@backstage/plugin-auth-node';
import { startTestApp, type TestFeature } from '@callboard/test-utils';

/** Lets stock provider modules register themselves in a real backend, and returns what they registered. */
export async function collectProviders(
  modules: Promise<{ default: unknown }>[],
): Promise<Map<string, AuthProviderFactory>> {
  const factories = new Map<string, AuthProviderFactory>();
  const collector = createBackendPlugin({
    pluginId: 'auth',
    register(env) {
      env.registerExtensionPoint(authProvidersExtensionPoint, {
        registerProvider: ({ providerId, factory }) => void factories.set(providerId, factory),
      });
      env.registerInit({ deps: {}, async init() {} });
    },
  });
  const app = await startTestApp({ features: [collector, ...(modules as TestFeature[])] });
  await app.stop();
  return factories;
}
