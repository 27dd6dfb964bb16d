import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import {
  clientKinds,
  connectClient,
  deferred,
  describeOnPostgres,
  describeWithRedisServer,
  post,
} from '@callboard/test-utils';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  listedAction,
  type SourceServer,
  startSourceServer,
  withActions,
  withJson,
} from '../../packages/actions/src/testing/sourceServer.js';
import { Deployment } from './Deployment.js';
import { rootDir, type ServerProcess } from './ServerProcess.js';

const mcpPath = '/api/mcp-actions/v1';

await describeOnPostgres('with PostgreSQL', () =>
  describeWithRedisServer('and Redis, a server that is told to stop', () => {
    let deployment: Deployment;
    /** Another backend, whose actions take as long as a test wants them to. */
    let source: SourceServer;
    let mayAnswer: ReturnType<typeof deferred<void>>;
    let called: ReturnType<typeof deferred<void>>;
    let token: string;

    beforeEach(async () => {
      deployment = await Deployment.open();
      token = deployment.env.MCP_TOKEN as string;
      source = await startSourceServer();
      [mayAnswer, called] = [deferred<void>(), deferred<void>()];
      source.answer = async (res, request) => {
        if (request.method === 'GET') {
          return withActions(listedAction('slow:wait'))(res, request);
        }
        called.resolve();
        await mayAnswer.promise;
        await withJson({ output: { waited: true } })(res, request);
      };
    });
    afterEach(async () => {
      mayAnswer.resolve();
      await deployment.close();
      await source.stop();
    });

    /** @param lifecycle - as `backend.lifecycle` has it. */
    async function start(lifecycle: object = { serverShutdownDelay: '0s', drainTimeout: '25s' }) {
      const server = await deployment.start({
        config: {
          discovery: { endpoints: [{ target: `${source.baseUrl}`, plugins: ['slow'] }] },
          backend: {
            lifecycle,
            actions: { pluginSources: ['todo', 'slow'] },
            // Without restrictions, as none goes along to other backends.
            auth: { externalAccess: [{ type: 'static', options: { token, subject: 'mcp-clients' } }] },
          },
        },
      });
      return server.ready();
    }

    const call = (server: ServerProcess, name: string, headers: Record<string, string> = {}) =>
      post(
        `${server.url}${mcpPath}`,
        { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } },
        { token, headers },
      );

    /** Until nobody listens at the server's address any more. */
    const refusesConnections = (server: ServerProcess) =>
      server.until(() =>
        server.health().then(
          () => false,
          () => true,
        ),
      );

    it.each(clientKinds)('answers the call that is under way, then ends with 0, its trail in order: %s', async kind => {
      const server = await start();
      const client = await connectClient({ url: `${server.url}${mcpPath}`, token, kind });
      const answered = client.callTool('slow.wait');
      await called.promise;

      server.signal('SIGTERM');
      await refusesConnections(server);
      mayAnswer.resolve();

      expect((await answered).structuredContent).toEqual({ waited: true });
      expect(await server.exit).toEqual({ code: 0, signal: null });
      const verified = verifyTrail(server);
      expect(verified).toMatchObject({ status: 0 });
      await client.close().catch(() => {});
    });

    it('is not ready first, and serves on while the proxy finds out, each answer ending its connection', async () => {
      const server = await start({ serverShutdownDelay: '25s', drainTimeout: '25s' });
      const agent = new Agent({ keepAlive: true });
      const ask = async () => {
        const [response] = await once(get(`${server.url}/.backstage/health/v1/readiness`, { agent }), 'response');
        response.resume();
        await once(response, 'end');
        return [response.statusCode, response.headers.connection];
      };

      const before = await ask();
      server.signal('SIGTERM');
      await server.until(async () => (await server.health()).status === 503);
      const meanwhile = [await ask(), (await server.health('liveness')).status, (await server.health()).message];
      const read = await call(server, 'todo.list-items');
      agent.destroy();

      expect(before).toEqual([200, 'keep-alive']);
      expect(meanwhile).toEqual([[503, 'close'], 200, 'Backend is shutting down']);
      expect([read.status, read.headers.get('connection'), read.message.result.isError]).toEqual([
        200,
        'close',
        undefined,
      ]);
    });

    it('ends the streams that clients keep open, each as its protocol has it', async () => {
      const server = await start();
      const session = await openSession(server);
      const sessionStream = await openStream(`${server.url}${mcpPath}`, { 'mcp-session-id': session });
      const sseStream = await openStream(`${server.url}${mcpPath}/sse`);
      const listen = await openListen(server);

      server.signal('SIGTERM');
      const [ofSession, ofSse, ofListen] = await Promise.all([sessionStream, sseStream, listen].map(rest));

      expect(await server.exit).toEqual({ code: 0, signal: null });
      // Ended, not cut off: reading to the end has thrown nothing.
      expect([ofSession, ofSse].map(text => typeof text)).toEqual(['string', 'string']);
      expect(ofListen).toContain('"result"');
    });

    it('waits no longer than configured for a call that does not end', async () => {
      const server = await start({ serverShutdownDelay: '0s', drainTimeout: '100ms' });
      const answered = call(server, 'slow.wait').catch(error => error);
      await called.promise;

      server.signal('SIGTERM');

      expect(await server.exit).toEqual({ code: 0, signal: null });
      expect(server.text).toContain('were not answered within 100 ms (backend.lifecycle.drainTimeout): 1');
      await answered;
    });

    it('ends at once on a second signal', async () => {
      const server = await start();
      const answered = call(server, 'slow.wait').catch(error => error);
      await called.promise;

      server.signal('SIGTERM');
      await refusesConnections(server);
      // The first second's worth is taken for the same.
      await server.until(() => {
        server.signal('SIGTERM');
        return server.text.includes('Ended by a second SIGTERM');
      });

      expect(await server.exit).toEqual({ code: 143, signal: null });
      await answered;
    });

    const authorized = (headers: object = {}) => ({ Authorization: `Bearer ${token}`, ...headers });

    async function openSession(server: ServerProcess): Promise<string> {
      const { headers } = await post(
        `${server.url}${mcpPath}`,
        {
          jsonrpc: '2.0',
          id: 1,
          method: 'initialize',
          params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
        },
        { token },
      );
      return headers.get('mcp-session-id') as string;
    }

    async function openStream(url: string, headers: object = {}): Promise<Response> {
      const response = await fetch(url, { headers: authorized({ Accept: 'text/event-stream', ...headers }) });
      expect(response.status).toBe(200);
      return response;
    }

    async function openListen(server: ServerProcess): Promise<Response> {
      const response = await fetch(`${server.url}${mcpPath}`, {
        method: 'POST',
        headers: authorized({
          Accept: 'application/json, text/event-stream',
          'Content-Type': 'application/json',
          'MCP-Protocol-Version': '2026-07-28',
          'Mcp-Method': 'subscriptions/listen',
        }),
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'subscriptions/listen',
          params: {
            notifications: { toolsListChanged: true },
            _meta: {
              'io.modelcontextprotocol/protocolVersion': '2026-07-28',
              'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
              'io.modelcontextprotocol/clientCapabilities': {},
            },
          },
        }),
      });
      expect(response.status).toBe(200);
      return response;
    }

    const rest = (response: Response): Promise<string> => response.text();

    function verifyTrail(server: ServerProcess) {
      return spawnSync(
        process.execPath,
        ['node_modules/@callboard/plugin-audit-backend/dist/verifyCommand.js', server.auditFolder],
        { cwd: rootDir, encoding: 'utf8' },
      );
    }
  }),
);
