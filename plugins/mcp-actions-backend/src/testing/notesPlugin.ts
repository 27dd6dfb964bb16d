import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { type AuditedCall, actionsRegistryServiceRef, auditTrailsServiceRef } from '@callboard/actions-api';
import * as z from 'zod';

/** A plugin with one action that writes, and a trail that keeps what is recorded of its calls. */
export function createNotesPlugin() {
  /** Inputs of `notes:write`, in the order in which it ran. */
  const written: unknown[] = [];
  /** Every attempt, run or refused, oldest first. */
  const recorded: AuditedCall[] = [];
  const plugin = createBackendPlugin({
    pluginId: 'notes',
    register(env) {
      env.registerInit({
        deps: { registry: actionsRegistryServiceRef, trails: auditTrailsServiceRef },
        async init({ registry, trails }) {
          trails.add({
            id: 'notes',
            async begin(call) {
              recorded.push(call);
              return { finish: async () => {} };
            },
            async refuse(call) {
              recorded.push(call);
            },
          });
          registry.register({
            name: 'write',
            title: 'Write a note',
            description: 'Writes a note',
            schema: { input: z.object({ text: z.string() }), output: z.object({ length: z.int() }) },
            effect: 'create',
            preview: async ({ input }) => ({ summary: `A note of ${input.text.length} letters` }),
            action: async ({ input }) => {
              written.push(input);
              return { output: { length: input.text.length } };
            },
          });
        },
      });
    },
  });
  return { plugin, written, recorded };
}
