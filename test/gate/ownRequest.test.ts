import { randomUUID } from 'node:crypto';
import { post, startTestApp, type TestApp } from '@callboard/test-utils';
import { afterAll, beforeAll, expect, test } from 'vitest';

const tokens = { agent: `agent-${randomUUID()}`, operator: `operator-${randomUUID()}` };

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp({
    features: [
      import('@callboard/plugin-mcp-actions-backend'),
      import('@callboard/plugin-approvals-backend'),
      import('@callboard/plugin-example-todo-backend'),
    ],
    config: {
      backend: {
        auth: {
          externalAccess: Object.entries(tokens).map(([subject, token]) => ({
            type: 'static',
            options: { subject, token },
          })),
        },
        actions: {
          pluginSources: ['todo', 'approvals'],
          // What is asked for over HTTP waits for approval, operators decide over MCP.
          callers: [{ door: 'http', mode: 'safe' }],
        },
      },
      mcpActions: { profile: 'admin' },
      // Everybody, the plugin that passes calls of services on included.
      approvals: { approvers: ['*'] },
    },
  });
});

afterAll(() => app?.stop());

const ask = async (title: string): Promise<string> => {
  const { status, message } = await post(
    `${app.url}/api/todo/.backstage/actions/v1/actions/todo:create-item/invoke`,
    JSON.stringify({ title }),
    { token: tokens.agent },
  );
  expect(status).toBe(403);
  return message.error.approval.id;
};

const decide = async (tool: 'approve' | 'deny', approvalId: string, token: string) => {
  const { message } = await post(
    `${app.url}/api/mcp-actions/v1`,
    JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: `approvals.${tool}`, arguments: { approvalId } },
    }),
    { token },
  );
  return message.result;
};

test('a service does not decide about its own request by an action, whoever passes the call on', async () => {
  const id = await ask('Water the plants');

  for (const tool of ['approve', 'deny'] as const) {
    expect(await decide(tool, id, tokens.agent)).toMatchObject({
      isError: true,
      content: [{ text: 'NotAllowedError: You asked for this yourself, so somebody else has to decide' }],
    });
  }
});

test('a decision by an action is that of the service at the door', async () => {
  const id = await ask('Feed the cat');

  const decided = await decide('approve', id, tokens.operator);

  expect(decided.structuredContent).toMatchObject({ id, state: 'approved', decidedBy: 'operator', channel: 'action' });
});
