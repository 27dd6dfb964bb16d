import { configSectionFeature } from '@callboard/actions-api';
import todoPlugin from '@callboard/plugin-example-todo-backend';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import { startTestApp, type TestApp } from '@callboard/test-utils';
import { authConfigSection } from '../../plugins/auth-backend/src/config.js';
import { createAuthPlugin, type Surroundings } from '../../plugins/auth-backend/src/plugin.js';

type Config = NonNullable<Parameters<typeof startTestApp>[0]['config']>;

export interface WholeAppOptions {
  port?: number;
  /** Goes over the defaults, key by key. */
  auth?: Config;
  backend?: Config;
  surroundings?: Surroundings;
}

/** Starts a backend whose actions are for those whom its own authorization server lets in; the guest may sign in. */
export function startWholeApp(options: WholeAppOptions = {}): Promise<TestApp> {
  const { port, auth, backend, surroundings } = options;
  return startTestApp({
    port,
    features: [configSectionFeature(authConfigSection), createAuthPlugin(surroundings), mcpFeatures, todoPlugin],
    config: {
      backend: { ...backend, actions: { pluginSources: ['todo'], ...(backend?.actions as Config) } },
      auth: {
        experimentalDynamicClientRegistration: { enabled: true },
        clientIdMetadataDocuments: { enabled: true },
        providers: { guest: {} },
        ...auth,
      },
    },
  });
}
