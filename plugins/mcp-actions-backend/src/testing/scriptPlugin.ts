import { createBackendPlugin } from '@backstage/backend-plugin-api';
import type { JsonObject } from '@backstage/types';
import {
  type ActionContext,
  type ActionOptions,
  type ActionSchema,
  type AuditedCall,
  type AuditOutcome,
  actionsRegistryServiceRef,
  auditTrailsServiceRef,
  type CallClient,
  promptsRegistryServiceRef,
  resourcesRegistryServiceRef,
} from '@callboard/actions-api';
import * as z from 'zod';

export type Script = (context: ActionContext<JsonObject, undefined>) => Promise<JsonObject>;

type ScriptOptions = Partial<Pick<ActionOptions<ActionSchema, ActionSchema>, 'effect' | 'timeoutSeconds' | 'preview'>>;

/**
 * A plugin whose actions, called `script:<key>`, do what the test says, and a trail that keeps what is recorded.
 *
 * @param tell - what the prompt `who` and the resource `script://who` have to say.
 */
export function createScriptPlugin(
  scripts: Record<string, Script | (ScriptOptions & { action: Script })>,
  tell: (client: CallClient) => Promise<string> = async () => 'nothing',
) {
  /** Every attempt that was recorded, run or refused, oldest first. */
  const recorded: (AuditedCall & { outcome?: AuditOutcome })[] = [];
  /** How often each handler was started. */
  const runs: Record<string, number> = {};
  const plugin = createBackendPlugin({
    pluginId: 'script',
    register(env) {
      env.registerInit({
        deps: {
          prompts: promptsRegistryServiceRef,
          registry: actionsRegistryServiceRef,
          resources: resourcesRegistryServiceRef,
          trails: auditTrailsServiceRef,
        },
        async init({ prompts, registry, resources, trails }) {
          const texts = { name: 'who', title: 'Who', description: 'Says who' };
          prompts.register({
            ...texts,
            get: async ({ client }) => ({
              messages: [{ role: 'user', content: { type: 'text', text: await tell(client) } }],
            }),
          });
          resources.register({
            ...texts,
            uri: 'script://who',
            read: async ({ client }) => ({ text: await tell(client) }),
          });
          trails.add({
            id: 'script',
            async begin(call) {
              const entry: (typeof recorded)[number] = { ...call };
              recorded.push(entry);
              return {
                async finish(outcome) {
                  entry.outcome = outcome;
                },
              };
            },
            async refuse(call, outcome) {
              recorded.push({ ...call, outcome });
            },
          });
          for (const [name, given] of Object.entries(scripts)) {
            const { action, ...options } = typeof given === 'function' ? { action: given } : given;
            registry.register({
              name,
              title: name,
              description: `Does ${name}`,
              schema: { input: z.looseObject({}), output: z.looseObject({}) },
              effect: 'read',
              ...options,
              action: async context => {
                runs[name] = (runs[name] ?? 0) + 1;
                return { output: await action(context as never) };
              },
            });
          }
        },
      });
    },
  });
  return { plugin, recorded, runs };
}
