// A project's entry file that writes to standard output in every way: as libraries do that were made for terminals.
import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { coreServices, createBackendPlugin } from '@backstage/backend-plugin-api';
import { actionsRegistryServiceRef } from '@backstage/backend-plugin-api/alpha';
import { createBackend } from '@callboard/backend-defaults';

console.log('noise of the import');
writeSync(1, 'noise of the descriptor\n');
setInterval(() => console.log('noise of a timer'), 20).unref();

const waiting = createBackendPlugin({
  pluginId: 'noisy',
  register(env) {
    env.registerInit({
      deps: { registry: actionsRegistryServiceRef, lifecycle: coreServices.rootLifecycle },
      async init({ registry, lifecycle }) {
        if (process.env.NOISY_FAILS) {
          throw new Error('the noisy plugin has no database today');
        }
        lifecycle.addShutdownHook(() => process.stderr.write('the noisy plugin has stopped\n'));
        registry.register({
          name: 'report',
          title: 'Report',
          description: 'Tells how far it is, with noise',
          attributes: { readOnly: true, destructive: false },
          schema: { input: z => z.object({}), output: z => z.object({ done: z.boolean() }) },
          async action({ client, logger }) {
            for (const progress of [1, 2, 3]) {
              client.reportProgress({ progress, total: 3 });
              client.log('info', `step ${progress}`);
              logger.warn(`noise of step ${progress}`);
              process.stdout.write('noise without a line break');
              await delay(30);
            }
            return { output: { done: true } };
          },
        });
        registry.register({
          name: 'ask',
          title: 'Ask',
          description: 'Asks the person',
          attributes: { readOnly: true, destructive: false },
          schema: { input: z => z.object({}), output: z => z.object({ answer: z.string() }) },
          async action({ client }) {
            const requestedSchema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
            const params = { message: 'Who are you?', requestedSchema };
            const { who } = await client.ask({ who: { method: 'elicitation/create', params } });
            return { output: { answer: who.content?.name ?? who.action } };
          },
        });
        registry.register({
          name: 'wait',
          title: 'Wait',
          description: 'Waits until it is cancelled',
          attributes: { readOnly: true, destructive: false },
          schema: { input: z => z.object({}), output: z => z.object({}) },
          async action({ signal }) {
            process.stderr.write('a call is waiting\n');
            await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }));
            process.stderr.write('a call was cancelled\n');
            return { output: {} };
          },
        });
      },
    });
  },
});

const backend = createBackend();
backend.add(waiting);
backend.add(import('@callboard/plugin-example-todo-backend'));
backend.add(import('@callboard/plugin-mcp-actions-backend'));
// As Backstage's own template does: nobody waits for it.
backend.start();
