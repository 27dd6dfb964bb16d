import { randomBytes } from 'node:crypto';
import { coreServices, createBackendPlugin } from '@backstage/backend-plugin-api';
import { actionsRegistryServiceRef } from '@backstage/backend-plugin-api/alpha';
import { ConfigReader } from '@backstage/config';
import { createBackend } from '@callboard/backend-defaults';

const baseUrl = 'http://localhost:7007';
const token = randomBytes(24).toString('base64url');

const backend = createBackend({
  config: new ConfigReader({
    backend: {
      baseUrl,
      listen: { host: '127.0.0.1', port: 7007 },
      database: { client: 'better-sqlite3', connection: ':memory:' },
      auth: { externalAccess: [{ type: 'static', options: { token, subject: 'mcp-dev' } }] },
      actions: { pluginSources: ['greeting'] },
    },
  }),
});
backend.add(import('@callboard/plugin-mcp-actions-backend'));
backend.add(
  createBackendPlugin({
    pluginId: 'greeting',
    register(env) {
      env.registerInit({
        deps: { actionsRegistry: actionsRegistryServiceRef, logger: coreServices.logger },
        async init({ actionsRegistry, logger }) {
          actionsRegistry.register({
            name: 'make-greeting',
            title: 'Make a greeting',
            description: 'Greets somebody by name',
            schema: {
              input: z => z.object({ name: z.string() }),
              output: z => z.object({ greeting: z.string() }),
            },
            attributes: { readOnly: true, idempotent: true },
            action: async ({ input }) => {
              logger.info(`Greeting ${input.name}`);
              return { output: { greeting: `Hello ${input.name}!` } };
            },
          });
        },
      });
    },
  }),
);
await backend.start();

console.log(`
The MCP plugin runs alone, with one action to call:

  curl -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' \\
    -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"greeting.make-greeting","arguments":{"name":"Ada"}}}' \\
    ${baseUrl}/api/mcp-actions/v1
`);
