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
      auth: { externalAccess: [{ type: 'static', options: { token, subject: 'todo-dev' } }] },
      // Nothing here keeps approvals, so calls that need one would be refused.
      actions: { mode: 'full_access' },
    },
  }),
});
backend.add(import('@callboard/plugin-example-todo-backend'));
await backend.start();

const actionsUrl = `${baseUrl}/api/todo/.backstage/actions/v1/actions`;
console.log(`
The to-do plugin runs alone; its items are kept in memory. List its actions, and call one:

  curl -H 'Authorization: Bearer ${token}' ${actionsUrl}

  curl -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' \\
    -d '{"title":"Water the plants"}' ${actionsUrl}/todo:create-item/invoke
`);
