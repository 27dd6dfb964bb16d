import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { actionsRegistryServiceRef } from '@callboard/actions-api';
import * as z from 'zod';

/** A plugin with actions that are found by different things, and of which not everybody sees all. */
export const filesPlugin = createBackendPlugin({
  pluginId: 'files',
  register(env) {
    env.registerInit({
      deps: { registry: actionsRegistryServiceRef },
      async init({ registry }) {
        const nothing = { input: z.object({}), output: z.object({ ok: z.boolean() }) };
        const run = async () => ({ output: { ok: true } });
        registry.register({
          name: 'search-files',
          title: 'Search files',
          description: 'Finds files by their text. Long ones, too.\nMore on this elsewhere.',
          schema: {
            input: z.object({ pattern: z.string().describe('A regular expression for paragraphs') }),
            output: z.object({ paths: z.array(z.string()) }),
          },
          attributes: { readOnly: true },
          examples: [{ title: 'Everything about vineyards', input: { pattern: 'vine' } }],
          action: async ({ input, client }) => {
            client.reportProgress({ progress: 1, total: 2 });
            return { output: { paths: [input.pattern] } };
          },
        });
        registry.register({
          name: 'remove-file',
          title: 'Remove a file',
          description: 'Removes a file for good',
          schema: nothing,
          effect: 'delete',
          action: run,
        });
        registry.register({
          name: 'run-script',
          title: 'Run a script',
          description: 'Does what the script says',
          schema: nothing,
          effect: () => 'read' as const,
          action: run,
        });
        registry.register({
          name: 'open-vault',
          title: 'Open the vault',
          description: 'Opens the vault with the crown jewels',
          schema: nothing,
          attributes: { readOnly: true },
          action: run,
        });
        registry.register({
          name: 'answer-wrongly',
          title: 'Answer wrongly',
          description: 'Breaks its schema',
          schema: nothing,
          attributes: { readOnly: true },
          action: async () => ({ output: { ok: 'no' as never } }),
        });
      },
    });
  },
});
