import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describeOnPostgres, describeWithRedisServer, openPostgres, post } from '@callboard/test-utils';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeUnless } from '../../packages/test-utils/src/testDatabases.js';
import { Deployment } from './Deployment.js';
import { rootDir, type ServerProcess } from './ServerProcess.js';

const whyThereIsNoPgDump = () => {
  const { error } = spawnSync('pg_dump', ['--version']);
  return error && `pg_dump cannot be started (${error.message}); get it with: apt-get install postgresql-client`;
};

await describeOnPostgres('with PostgreSQL', () =>
  describeWithRedisServer('and Redis', () =>
    describeUnless(whyThereIsNoPgDump(), 'a deployment that is restored as docs/deploying.md has it', () => {
      let deployment: Deployment;
      let restored: Awaited<ReturnType<typeof openPostgres>>;
      let before: ServerProcess;
      let after: ServerProcess;
      let head: string;

      const mcp = (server: ServerProcess, name: string, args: object) =>
        post(
          `${server.url}/api/mcp-actions/v1`,
          { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } },
          { token: deployment.env.MCP_TOKEN },
        );
      const connection = (database: string) => ({
        ...process.env,
        PGHOST: deployment.env.POSTGRES_HOST,
        PGPORT: deployment.env.POSTGRES_PORT,
        PGUSER: deployment.env.POSTGRES_USER,
        PGPASSWORD: deployment.env.POSTGRES_PASSWORD,
        PGDATABASE: database,
      });
      const verify = (folder: string, ...args: string[]) =>
        spawnSync(
          process.execPath,
          ['node_modules/@callboard/plugin-audit-backend/dist/verifyCommand.js', folder, ...args],
          { cwd: rootDir, encoding: 'utf8' },
        );

      beforeAll(async () => {
        deployment = await Deployment.open();
        restored = await openPostgres();
        before = await (await deployment.start()).ready();
        await mcp(before, 'todo.list-items', {});
        // While it runs, as backups are made.
        const dump = join(deployment.folder, 'callboard.dump');
        execFileSync('pg_dump', ['--format=custom', `--file=${dump}`], {
          env: connection(deployment.env.POSTGRES_DATABASE as string),
        });
        const copy = join(deployment.folder, 'restored/audit');
        cpSync(before.auditFolder, copy, { recursive: true });
        const { stdout } = verify(copy);
        head = /\d+:[0-9a-f]{64}/.exec(stdout)?.[0] ?? '';
        before.signal('SIGTERM');
        await before.exit;

        const name = new URL(restored.url).pathname.slice(1);
        execFileSync('pg_restore', ['--no-owner', `--dbname=${name}`, dump], { env: connection(name) });
        after = await (
          await deployment.start({ env: { POSTGRES_DATABASE: name }, folder: join(deployment.folder, 'restored') })
        ).ready();
      }, 240_000);
      afterAll(async () => {
        await deployment?.close();
        await restored?.drop();
      });

      it('serves, and goes on with the trail that it had', async () => {
        const answer = await mcp(after, 'todo.list-items', {});
        const trail = verify(after.auditFolder, '--head', head);

        expect(answer.message.result.isError).toBeUndefined();
        expect(head).not.toBe('');
        expect(trail).toMatchObject({ status: 0 });
      });

      it('has a trail in its database that is as it was written', async () => {
        const response = await fetch(`${after.url}/api/audit/v1/verification`, {
          headers: { Authorization: `Bearer ${deployment.env.OPS_TOKEN}` },
        });
        const result = await response.json();

        expect(response.status).toBe(200);
        expect(JSON.stringify(result)).not.toMatch(/changed|removed|reordered|cut/);
      });
    }),
  ),
);
