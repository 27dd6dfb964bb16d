// A backend that is made to be killed; `kill.test.ts` bundles it, starts it again and again, and ends it at any moment.
import { fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  coreServices,
  createBackendPlugin,
  createServiceFactory,
  type LoggerService,
} from '@backstage/backend-plugin-api';
import { ConfigReader } from '@backstage/config';
import { actionsRegistryServiceRef } from '@callboard/actions-api';
import { createBackend } from '@callboard/backend-defaults';
import approvalsFeatures from '@callboard/plugin-approvals-backend';
import auditFeatures from '@callboard/plugin-audit-backend';
import * as z from 'zod';

const [folder = '', port = ''] = process.argv.slice(2);

const quiet = () => {};
const logger: LoggerService = {
  error: (message, meta) => void process.stderr.write(`${message} ${meta instanceof Error ? meta.stack : ''}\n`),
  warn: quiet,
  info: quiet,
  debug: quiet,
  child: () => logger,
};

/** Its one action writes a line that is on the disk when it returns. */
const ledgerPlugin = createBackendPlugin({
  pluginId: 'ledger',
  register(env) {
    env.registerInit({
      deps: { registry: actionsRegistryServiceRef },
      async init({ registry }) {
        const ledger = openSync(join(folder, 'ledger'), 'a');
        registry.register({
          name: 'enter',
          title: 'Enter',
          description: 'Enters a key into the ledger',
          effect: 'create',
          schema: { input: z.object({ key: z.string() }), output: z.object({}) },
          action: async ({ input }) => {
            writeSync(ledger, `${input.key}\n`);
            fsyncSync(ledger);
            return { output: {} };
          },
        });
      },
    });
  },
});

async function serve(): Promise<void> {
  const url = `http://localhost:${port}`;
  const backend = createBackend({
    config: new ConfigReader({
      backend: {
        baseUrl: url,
        listen: { host: '127.0.0.1', port: Number(port) },
        database: { client: 'better-sqlite3', connection: { directory: join(folder, 'database') } },
        actions: { pluginSources: ['ledger'], mode: 'safe', environment: 'rehearsal' },
        auth: {
          externalAccess: ['agent', 'boss'].map(name => ({
            type: 'static',
            options: { token: `static-token-of-${name}`, subject: name },
          })),
        },
      },
      approvals: { approvers: ['boss'], maxPendingPerPrincipal: 10_000 },
      audit: { file: { directory: join(folder, 'audit') } },
    }),
  });
  backend.add(createServiceFactory({ service: coreServices.rootLogger, deps: {}, factory: () => logger }));
  backend.add(auditFeatures);
  backend.add(approvalsFeatures);
  backend.add(ledgerPlugin);
  await backend.start();
  process.stdout.write('ready\n');
}

// Loaded ahead of its turn, since loading takes the longest.
process.stdout.write('loaded\n');
process.stdin.once('data', () => void serve());
