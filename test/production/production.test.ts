import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectClient, describeOnPostgres, describeWithRedisServer, post } from '@callboard/test-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Deployment } from './Deployment.js';
import { rootDir, type ServerProcess } from './ServerProcess.js';

const read = (path: string) => readFileSync(join(rootDir, path), 'utf8');

describe('app-config.production.yaml', () => {
  it('uses the variables that docs/deploying.md has in its table, and no others', () => {
    const uncommented = read('app-config.production.yaml').replaceAll(/^ *#.*$/gm, '');
    const used = [...uncommented.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name);
    const [section = ''] = read('docs/deploying.md').match(/^### Variables$[\s\S]*?(?=^##)/m) ?? [];

    const documented = [...section.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name);

    expect(used.length).toBeGreaterThan(0);
    expect(documented).toEqual([...new Set(used)]);
  });

  it('has a comment before or beside whatever it sets', () => {
    const lines = read('app-config.production.yaml').split('\n');
    const blocks = lines.join('\n').split('\n\n');

    const silent = blocks.filter(block => block.trim() !== '' && !block.includes('#'));

    expect(silent).toEqual([]);
  });
});

await describeOnPostgres('with PostgreSQL', () =>
  describeWithRedisServer('and Redis, a server with the configuration of production', () => {
    let deployment: Deployment;
    let server: ServerProcess;

    beforeAll(async () => {
      deployment = await Deployment.open();
      server = await (await deployment.start()).ready();
    });
    afterAll(() => deployment?.close());

    const mcp = (token: string | undefined, headers: Record<string, string> = {}) =>
      post(
        `${server.url}/api/mcp-actions/v1`,
        { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'todo.list-items', arguments: {} } },
        { token, headers },
      );

    it('runs a read for a program with a token, and has it on record in files and database', async () => {
      const client = await connectClient({
        url: `${server.url}/api/mcp-actions/v1`,
        token: deployment.env.MCP_TOKEN as string,
        kind: 'v2-modern',
      });
      const { structuredContent } = await client.callTool('todo.list-items');
      await client.close();

      const trail = await fetch(`${server.url}/api/audit/v1/events?actionId=todo:list-items`, {
        headers: { Authorization: `Bearer ${deployment.env.OPS_TOKEN}` },
      });

      expect(structuredContent).toHaveProperty('items');
      expect(JSON.stringify(await trail.json())).toContain('"outcome"');
      const [file = ''] = readdirSync(server.auditFolder).filter(name => name.endsWith('.jsonl'));
      expect(readFileSync(join(server.auditFolder, file), 'utf8')).toContain('"todo:list-items"');
    });

    it('has a person approve what is more than a read, at the address of the proxy', async () => {
      const { message } = await post(
        `${server.url}/api/mcp-actions/v1`,
        {
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: { name: 'todo.create-item', arguments: { title: 'Something' } },
        },
        { token: deployment.env.MCP_TOKEN },
      );

      expect(message.result._meta['callboard/approval'].url).toMatch(/^https:\/\/mcp\.example\.com\/api\/approvals\//);
    });

    it('lets nobody in without a token, and offers no guest', async () => {
      const refused = await mcp(undefined);
      const signIn = await fetch(`${server.url}/api/auth/sign-in?return_to=/api/auth/connections`);

      expect(refused.status).toBe(401);
      expect(refused.headers.get('www-authenticate')).toContain('https://mcp.example.com/');
      expect((await signIn.text()).toLowerCase()).not.toContain('guest');
    });

    it('keeps each token to its plugins', async () => {
      const ofOps = await mcp(deployment.env.OPS_TOKEN);
      const pause = await fetch(`${server.url}/api/safety/v1/definitions`, {
        headers: { Authorization: `Bearer ${deployment.env.MCP_TOKEN}` },
      });

      expect([ofOps.status, pause.status]).toEqual([403, 403]);
    });

    it('says no secret in its log or on its first screen', () => {
      for (const name of ['MCP_TOKEN', 'OPS_TOKEN', 'ADMIN_PASSWORD_HASH', 'POSTGRES_PASSWORD']) {
        expect(server.text).not.toContain(deployment.env[name]);
      }
    });
  }),
);

await describeOnPostgres('without one of the variables', () =>
  describeWithRedisServer('the server', () => {
    let deployment: Deployment;
    beforeAll(async () => {
      deployment = await Deployment.open();
    });
    afterAll(() => deployment?.close());

    it('does not start, and says for each which it was', async () => {
      const names = Object.keys(deployment.env);
      const server = await deployment.start({ env: Object.fromEntries(names.map(name => [name, undefined as never])) });

      expect((await server.exit).code).toBe(1);
      const silent = names.filter(name => !server.text.includes(name));
      // These two are told by the key that is empty then.
      expect(silent).toEqual(['MCP_TOKEN', 'OPS_TOKEN']);
      expect(server.text).toContain('backend.auth.externalAccess[0].options.token: ');
      expect(server.text).toContain('backend.auth.externalAccess[1].options.token: ');
    });
  }),
);
