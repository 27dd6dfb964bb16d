import { randomBytes } from 'node:crypto';
import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { ConfigReader } from '@backstage/config';
import { actionsRegistryServiceRef } from '@callboard/actions-api';
import { createBackend } from '@callboard/backend-defaults';
import * as z from 'zod';

const baseUrl = 'http://localhost:7007';
const [agent, operator] = [randomBytes(24).toString('base64url'), randomBytes(24).toString('base64url')];

/** Something to approve. */
const noticePlugin = createBackendPlugin({
  pluginId: 'notice',
  register(env) {
    env.registerInit({
      deps: { actionsRegistry: actionsRegistryServiceRef },
      async init({ actionsRegistry }) {
        let text = 'Rehearsal at ten';
        actionsRegistry.register({
          name: 'post',
          title: 'Post a notice',
          description: 'Puts another notice in the place of the one on the board.',
          schema: { input: z.object({ text: z.string() }), output: z.object({ text: z.string() }) },
          effect: 'replace',
          preview: async ({ input }) => ({ before: { text }, after: { text: input.text } }),
          action: async ({ input }) => {
            text = input.text;
            return { output: { text } };
          },
        });
      },
    });
  },
});

const backend = createBackend({
  config: new ConfigReader({
    app: { baseUrl },
    approvals: { approvers: ['user:**', 'external:operator'] },
    backend: {
      baseUrl,
      listen: { host: '127.0.0.1', port: 7007 },
      database: { client: 'better-sqlite3', connection: ':memory:' },
      actions: { mode: 'safe' },
      auth: {
        externalAccess: [
          { type: 'static', options: { token: agent, subject: 'external:agent' } },
          { type: 'static', options: { token: operator, subject: 'external:operator' } },
        ],
      },
    },
  }),
});
backend.add(noticePlugin);
backend.add(import('@callboard/plugin-approvals-backend'));
await backend.start();

console.log(`
The approvals run alone, without anybody who could sign in. Make a call that has to be approved:

  curl -H 'Authorization: Bearer ${agent}' -H 'Content-Type: application/json' -d '{"text":"Rehearsal at nine"}' \\
    ${baseUrl}/api/notice/.backstage/actions/v1/actions/notice:post/invoke

Approve it, and make it again:

  curl -H 'Authorization: Bearer ${operator}' ${baseUrl}/api/approvals/v1/approvals?state=pending
  curl -H 'Authorization: Bearer ${operator}' -X POST ${baseUrl}/api/approvals/v1/approvals/<id>/approve
`);
