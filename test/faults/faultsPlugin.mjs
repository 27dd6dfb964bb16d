import { setTimeout as delay } from 'node:timers/promises';
import { coreServices, createBackendPlugin } from '@backstage/backend-plugin-api';
import { actionsRegistryServiceRef } from '@callboard/actions-api';
import * as z from 'zod';
import { ranTable, startedTable } from './deployment/tables.mjs';

const call = z.object({ id: z.string() });
const answer = z.object({ id: z.string(), pid: z.number() });

/**
 * What the calls of the fault tests do. What runs leaves a row under the id that the call has from its client; nothing
 * in the table keeps an id from being there twice.
 */
export const faultsPlugin = createBackendPlugin({
  pluginId: 'faults',
  register(env) {
    env.registerInit({
      deps: { registry: actionsRegistryServiceRef, database: coreServices.database },
      async init({ registry, database }) {
        const db = await database.getClient();
        const done = ({ id }) => ({ output: { id, pid: process.pid } });
        const note = (table, { id }) => db(table).insert({ id, pid: process.pid });

        registry.register({
          name: 'echo',
          title: 'Echo',
          description: 'Answers with the id that it was given.',
          effect: 'read',
          schema: { input: call, output: answer },
          action: async ({ input }) => done(input),
        });
        registry.register({
          name: 'record',
          title: 'Record',
          description: 'Writes the id that it was given into a table, however often it is there already.',
          effect: 'create',
          schema: { input: call, output: answer },
          async action({ input }) {
            await note(ranTable, input);
            return done(input);
          },
        });
        registry.register({
          name: 'slow',
          title: 'Slow',
          description: 'Says where it runs, takes its time, and then writes the id that it was given into a table.',
          effect: 'create',
          schema: { input: call.extend({ milliseconds: z.number().int().min(0).max(120_000) }), output: answer },
          async action({ input, signal }) {
            await note(startedTable, input);
            await delay(input.milliseconds, undefined, { signal });
            await note(ranTable, input);
            return done(input);
          },
        });
        registry.register({
          name: 'ask',
          title: 'Ask',
          description: 'Says where it runs, asks the caller for a table, and writes the id that it was given into one.',
          effect: 'create',
          schema: { input: call, output: answer },
          async action({ input, client }) {
            await note(startedTable, input);
            const { action } = await client.elicit({
              message: 'Which table?',
              schema: z.object({ table: z.string() }),
            });
            if (action === 'accept') {
              await note(ranTable, input);
            }
            return done(input);
          },
        });
      },
    });
  },
});
