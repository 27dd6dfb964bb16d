import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { type ActionContext, type ActionsRegistryService, actionsRegistryServiceRef } from '@callboard/actions-api';
import { deferred } from '@callboard/test-utils';
import * as z from 'zod';

/** A call of `held:wait` that has begun and ends when the test says so. */
export interface HeldCall {
  readonly client: ActionContext<object, undefined>['client'];
  readonly signal: AbortSignal;
  finish(text: string): void;
  fail(error: Error): void;
}

/** A plugin whose action waits for the test, and whose registry the test can use after the start. */
export function createHeldPlugin(pluginId = 'held') {
  let registry: ActionsRegistryService | undefined;
  const begun: HeldCall[] = [];
  const awaited: ((call: HeldCall) => void)[] = [];
  const plugin = createBackendPlugin({
    pluginId,
    register(env) {
      env.registerInit({
        deps: { actions: actionsRegistryServiceRef },
        async init({ actions }) {
          registry = actions;
          actions.register({
            name: 'wait',
            title: 'Wait',
            description: 'Waits',
            schema: { input: z.object({}), output: z.object({ text: z.string() }) },
            attributes: { readOnly: true },
            action: async ({ client, signal }) => {
              const end = deferred<string>();
              signal.addEventListener('abort', () => end.reject(signal.reason));
              const call = { client, signal, finish: end.resolve, fail: end.reject };
              const hear = awaited.shift();
              if (hear) {
                hear(call);
              } else {
                begun.push(call);
              }
              return { output: { text: await end.promise } };
            },
          });
        },
      });
    },
  });
  return {
    plugin,
    /** The next call that begins, or has begun and was not asked for yet. */
    nextCall: async (): Promise<HeldCall> => begun.shift() ?? new Promise<HeldCall>(resolve => awaited.push(resolve)),
    register: (name: string) =>
      (registry as ActionsRegistryService).register({
        name,
        title: name,
        description: name,
        schema: { input: z.object({}), output: z.object({}) },
        attributes: { readOnly: true },
        action: async () => ({ output: {} }),
      }),
  };
}
