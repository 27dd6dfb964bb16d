'use strict';

// Started by a test, it must not outlive the test, however that ends.
process.on('disconnect', () => process.exit());

// What `packages/backend/src/index.ts` of a Backstage repository compiles to: CommonJS, features by import().
const { createBackend } = require('@backstage/backend-defaults');

const backend = createBackend();

backend.add(import(process.env.AUTH_PLUGIN ?? '@backstage/plugin-auth-backend'));
backend.add(import('@backstage/plugin-auth-backend-module-guest-provider'));
backend.add(import('@backstage/plugin-catalog-backend'));
backend.add(import('@backstage/plugin-notifications-backend'));
backend.add(import('@backstage/plugin-permission-backend'));
backend.add(import('@backstage/plugin-permission-backend-module-allow-all-policy'));
backend.add(import('@backstage/plugin-search-backend'));
backend.add(import('@backstage/plugin-techdocs-backend'));
backend.add(import('@callboard/plugin-example-todo-backend'));
backend.add(import(process.env.MCP_PLUGIN ?? '@callboard/plugin-mcp-actions-backend'));
for (const plugin of process.env.EXTRA_PLUGINS?.split(',') ?? []) {
  backend.add(import(plugin));
}

backend.start();
