import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describeOnPostgres, describeWithRedisServer } from '@callboard/test-utils';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeUnless } from '../../packages/test-utils/src/testDatabases.js';
import { Deployment } from './Deployment.js';
import { rootDir, type ServerProcess } from './ServerProcess.js';
import { type Nginx, startNginx, whyThereIsNoNginx } from './startNginx.js';

const CALLERS = 4;
const REPLICAS = 3;
const mcpPath = '/api/mcp-actions/v1';

await describeOnPostgres('with PostgreSQL', () =>
  describeWithRedisServer('and Redis', () =>
    describeUnless(whyThereIsNoNginx(), 'and nginx as in docs/examples, three replicas', () => {
      let deployment: Deployment;
      let replicas: ServerProcess[];
      let nginx: Nginx;

      const start = (port?: number) => deployment.start(port === undefined ? {} : { port });

      beforeAll(async () => {
        deployment = await Deployment.open();
        // All at once, on a database in which nothing is yet.
        replicas = await Promise.all(Array.from({ length: REPLICAS }, () => start()));
        await Promise.all(replicas.map(replica => replica.ready()));
        nginx = await startNginx({ folder: deployment.folder, ports: replicas.map(({ port }) => port) });
      }, 120_000);
      afterAll(async () => {
        await nginx?.stop();
        await deployment?.close();
      });

      const authorized = () => ({ Authorization: `Bearer ${deployment.env.MCP_TOKEN}` });
      const call = (name: string, args: object = {}) =>
        nginx.ask({
          path: mcpPath,
          headers: authorized(),
          body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } },
        });

      it('answer as one, whose callers each come to all of them', async () => {
        const answers = await Promise.all(Array.from({ length: 12 }, () => call('todo.list-items')));

        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
        expect(replicas.map(({ text }) => text.includes('mcp-actions.tool-execution'))).toEqual([true, true, true]);
      });

      it('show no health to the outside', async () => {
        expect((await nginx.ask({ method: 'GET', path: '/.backstage/health/v1/readiness' })).status).toBe(404);
      });

      it('let events through while their stream is open', async () => {
        const stream = await nginx.send({
          method: 'GET',
          path: `${mcpPath}/sse`,
          headers: { ...authorized(), Accept: 'text/event-stream' },
        });
        const [first] = await once(stream, 'data');
        stream.destroy();

        expect(String(first)).toContain('event: endpoint');
      });

      it('lose no call while each is replaced by a new one, and none is on record without its end', async () => {
        const failures: unknown[] = [];
        let [isOver, count] = [false, 0];
        const callers = Array.from({ length: CALLERS }, async () => {
          while (!isOver) {
            const answer = await call('todo.list-items').catch(error => ({ status: 0, text: String(error) }));
            count += 1;
            if (answer.status !== 200 || !answer.text.includes('structuredContent')) {
              failures.push(answer);
            }
          }
        });

        const exits: unknown[] = [];
        for (const [index, old] of replicas.entries()) {
          await nginx.passOver(old.port);
          old.signal('SIGTERM');
          exits.push(await old.exit);
          replicas[index] = await (await start(old.port)).ready();
          await nginx.passOver(undefined);
        }
        isOver = true;
        await Promise.all(callers);

        expect(failures).toEqual([]);
        expect(count).toBeGreaterThan(REPLICAS);
        expect(exits).toEqual(replicas.map(() => ({ code: 0, signal: null })));
        const verified = spawnSync(
          process.execPath,
          ['node_modules/@callboard/plugin-audit-backend/dist/verifyCommand.js', `${deployment.folder}/audit`],
          { cwd: rootDir, encoding: 'utf8' },
        );
        expect(verified).toMatchObject({ status: 0 });
      }, 300_000);
    }),
  ),
);
