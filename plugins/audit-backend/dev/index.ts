import { randomBytes } from 'node:crypto';
import { ConfigReader } from '@backstage/config';
import { createBackend } from '@callboard/backend-defaults';

const baseUrl = 'http://localhost:7007';
const token = randomBytes(24).toString('base64url');

const backend = createBackend({
  config: new ConfigReader({
    app: { baseUrl },
    backend: {
      baseUrl,
      listen: { host: '127.0.0.1', port: 7007 },
      database: { client: 'better-sqlite3', connection: ':memory:' },
      auth: { externalAccess: [{ type: 'static', options: { token, subject: 'audit-dev' } }] },
    },
  }),
});
backend.add(import('@callboard/plugin-audit-backend'));
await backend.start();

console.log(`
The audit trail runs alone; its files are in ./data/audit. Call the one action there is, and look at what it left:

  curl -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' -d '{}' \\
    ${baseUrl}/api/audit/.backstage/actions/v1/actions/audit:get-audit-events/invoke

  curl -H 'Authorization: Bearer ${token}' ${baseUrl}/api/audit/v1/events
`);
