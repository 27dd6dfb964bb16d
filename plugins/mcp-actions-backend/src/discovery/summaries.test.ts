import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { actionsRegistryServiceRef } from '@callboard/actions-api';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { startProbe } from '../testing/startProbe.js';

const faces = createBackendPlugin({
  pluginId: 'faces',
  register(env) {
    env.registerInit({
      deps: { registry: actionsRegistryServiceRef },
      async init({ registry }) {
        registry.register({
          name: 'smile',
          title: 'Smile',
          description: `smiles${'😀'.repeat(200)}`,
          schema: { input: z.object({}), output: z.object({}) },
          attributes: { readOnly: true },
          action: async () => ({ output: {} }),
        });
      },
    });
  },
});

it('cuts the description of a found tool between characters, never inside one', async () => {
  const app = await startProbe({
    features: [faces],
    config: { backend: { actions: { pluginSources: ['faces'] } }, mcpActions: { discovery: 'search' } },
  });

  const { json } = await app.call('search_tools', { query: 'smile' });

  expect(json.result.structuredContent.tools[0].description).toMatch(/^smiles😀+…$/u);
  await app.stop();
});
