import { ConfigReader } from '@backstage/config';
import { createBackend } from '@callboard/backend-defaults';

const baseUrl = 'http://localhost:7007';

const backend = createBackend({
  config: new ConfigReader({
    app: { baseUrl },
    auth: { experimentalDynamicClientRegistration: { enabled: true }, providers: { guest: {} } },
    backend: {
      baseUrl,
      listen: { host: '127.0.0.1', port: 7007 },
      database: { client: 'better-sqlite3', connection: ':memory:' },
    },
  }),
});
backend.add(import('@callboard/plugin-auth-backend'));
await backend.start();

console.log(`
The authorization server runs alone, without an MCP server to get tokens for; it keeps everything in memory.

  ${baseUrl}/api/auth/.well-known/oauth-authorization-server
  ${baseUrl}/api/auth/connections
`);
