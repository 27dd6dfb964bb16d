import { createBackend } from '@backstage/backend-defaults';
import { coreServices, createBackendPlugin, createServiceFactory } from '@backstage/backend-plugin-api';
import { actionsRegistryServiceRef } from '@backstage/backend-plugin-api/alpha';
import { ConfigReader } from '@backstage/config';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import { freePort, recordingLogger } from '@callboard/test-utils';
import { expect, it } from 'vitest';

/** Two actions that declare one tool name. */
const collidingPlugin = createBackendPlugin({
  pluginId: 'colliding',
  register(env) {
    env.registerInit({
      deps: { registry: actionsRegistryServiceRef },
      async init({ registry }) {
        for (const name of ['first', 'second']) {
          registry.register({
            name,
            title: name,
            description: name,
            schema: { input: z => z.object({}), output: z => z.object({}) },
            action: async () => ({ output: {} }),
            ...{ toolName: 'the_same' },
          });
        }
      },
    });
  },
});

it('two actions with one exact tool name stop the start of a stock backend', async () => {
  const port = await freePort();
  const config = new ConfigReader({
    app: { baseUrl: `http://localhost:${port}` },
    backend: {
      baseUrl: `http://localhost:${port}`,
      listen: { host: '127.0.0.1', port },
      database: { client: 'better-sqlite3', connection: ':memory:' },
      actions: { pluginSources: ['colliding'] },
    },
    mcpActions: { toolNames: 'exact' },
  });
  const { logger } = recordingLogger();
  const backend = createBackend();
  backend.add(createServiceFactory({ service: coreServices.rootConfig, deps: {}, factory: () => config }));
  backend.add(createServiceFactory({ service: coreServices.rootLogger, deps: {}, factory: () => logger }));
  backend.add(mcpFeatures);
  backend.add(collidingPlugin);

  const failure = await backend.start().then(
    () => 'It has started',
    error => String(error),
  );
  await backend.stop();

  expect(failure).toContain(
    'mcpActions.toolNames: exact: expected one action with the tool name "the_same", got "colliding:first" and "colliding:second"',
  );
});
