import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { actionsRegistryServiceRef } from '@callboard/actions-api';
import * as z from 'zod';

/** Asks which table, says so when it knows, and then has the caller wait for ever. */
export const waiterPlugin = createBackendPlugin({
  pluginId: 'waiter',
  register(env) {
    env.registerInit({
      deps: { registry: actionsRegistryServiceRef },
      async init({ registry }) {
        registry.register({
          name: 'serve',
          title: 'Serve',
          description: 'Serves a table',
          schema: { input: z.object({}), output: z.object({}) },
          effect: 'read',
          async action({ client, signal }) {
            const { content } = await client.elicit({
              message: 'Which table?',
              schema: z.object({ table: z.string() }),
            });
            client.log('info', `On the way to ${content?.table}`);
            await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
            return { output: {} };
          },
        });
      },
    });
  },
});
