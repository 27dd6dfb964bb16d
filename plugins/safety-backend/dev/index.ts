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
      auth: { externalAccess: [{ type: 'static', options: { token, subject: 'safety-dev' } }] },
    },
    safety: { operators: ['safety-dev'], limits: [{ rate: { calls: 10, seconds: 60 } }], pinning: 'warn' },
  }),
});
backend.add(import('@callboard/plugin-safety-backend'));
await backend.start();

console.log(`
The gate's emergency stop and limits run alone. Pause, and look at what is said of it:

  curl -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' -d '{"reason": "trying it"}' \\
    ${baseUrl}/api/safety/v1/pause

  curl -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' -d '{}' \\
    ${baseUrl}/api/safety/.backstage/actions/v1/actions/safety:get-safety-status/invoke

  curl -H 'Authorization: Bearer ${token}' '${baseUrl}/api/safety/v1/explain?action=safety:pause&door=http'
`);
