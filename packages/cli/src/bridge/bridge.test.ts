import { readFileSync, rmSync } from 'node:fs';
import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { actionsRegistryServiceRef } from '@backstage/backend-plugin-api/alpha';
import todoPlugin from '@callboard/plugin-example-todo-backend';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import { ApprovalDesk, approvalDeskPlugin, startTestApp, type TestApp } from '@callboard/test-utils';
import { Client as V2Client } from '@modelcontextprotocol/client';
import { StdioClientTransport as V2Stdio } from '@modelcontextprotocol/client/stdio';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as V1Stdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { binFile, buildCli, cleanEnv, makeHome, startBridge } from '../testing/cli.js';

const kinds = ['sdk-v1', 'v2-legacy', 'v2-modern', 'v2-auto'] as const;
type Kind = (typeof kinds)[number];

let app: TestApp;
let desk: ApprovalDesk;
let url: string;
const home = makeHome();
const slow = slowPlugin();

beforeAll(async () => {
  buildCli();
  desk = new ApprovalDesk();
  app = await start();
  url = `${app.url}/api/mcp-actions/v1`;
});
afterAll(async () => {
  await app?.stop();
  rmSync(home, { recursive: true, force: true });
});

const env = (more: Record<string, string> = {}) =>
  cleanEnv(home, { CALLBOARD_URL: url, CALLBOARD_TOKEN: app.token, ...more });

const bridges: ReturnType<typeof startBridge>[] = [];
function bridge(options: { env?: Record<string, string>; nodeArgs?: string[] } = {}) {
  const started = startBridge({ env: env(options.env), nodeArgs: options.nodeArgs });
  bridges.push(started);
  return started;
}
afterEach(async () => {
  await Promise.all(bridges.splice(0).map(started => started.stop()));
});

function start(port?: number) {
  return startTestApp({
    port,
    features: [mcpFeatures, todoPlugin, slow.feature, approvalDeskPlugin(desk)],
    config: {
      backend: {
        actions: {
          pluginSources: ['todo', 'slow'],
          mode: 'full_access',
          callers: [{ principal: 'careful', mode: 'safe' }],
        },
        auth: {
          externalAccess: [
            { type: 'static', options: { token: 'token-of-all-1234567890', subject: 'all' } },
            { type: 'static', options: { token: 'token-of-careful-1234567890', subject: 'careful' } },
          ],
        },
        ...(port && { baseUrl: `http://localhost:${port}`, listen: { host: '127.0.0.1', port } }),
      },
    },
  }).then(started => ({ ...started, token: 'token-of-all-1234567890' }));
}

/** An action that goes on until it is told to stop. */
function slowPlugin() {
  const calls: { aborted: Promise<void> }[] = [];
  const waiting: (() => void)[] = [];
  return {
    async nextCall() {
      while (calls.length === 0) {
        await new Promise<void>(resolve => waiting.push(resolve));
      }
      return calls.shift() as { aborted: Promise<void> };
    },
    feature: createBackendPlugin({
      pluginId: 'slow',
      register(reg) {
        reg.registerInit({
          deps: { registry: actionsRegistryServiceRef },
          async init({ registry }) {
            registry.register({
              name: 'wait',
              title: 'Wait',
              description: 'Waits until it is cancelled',
              attributes: { readOnly: true, destructive: false },
              schema: { input: z => z.object({}), output: z => z.object({}) },
              async action(options) {
                const { signal } = options as { signal?: AbortSignal };
                const aborted = new Promise<void>(resolve =>
                  signal?.addEventListener('abort', () => resolve(), { once: true }),
                );
                calls.push({ aborted });
                waiting.splice(0).forEach(resolve => {
                  resolve();
                });
                await aborted;
                return { output: {} };
              },
            });
          },
        });
      },
    }),
  };
}

async function connect(
  kind: Kind,
  options: { env?: Record<string, string>; ask?: () => 'accept' | 'decline'; capabilities?: object } = {},
) {
  const parameters = { command: process.execPath, args: [binFile, 'bridge'], env: env(options.env), stderr: 'pipe' };
  const info = { name: `test-${kind}`, version: '1.0.0' };
  const capabilities = options.ask ? { elicitation: { form: {} } } : {};
  if (kind === 'sdk-v1') {
    const client = new V1Client(info, { capabilities });
    if (options.ask) {
      client.setRequestHandler(ElicitRequestSchema, () => ({ action: options.ask?.() ?? 'cancel' }));
    }
    await client.connect(new V1Stdio(parameters as never));
    return client;
  }
  const mode = kind === 'v2-modern' ? { pin: '2026-07-28' as const } : kind === 'v2-auto' ? 'auto' : 'legacy';
  const client = new V2Client(info, { capabilities, versionNegotiation: { mode } });
  if (options.ask) {
    client.setRequestHandler('elicitation/create', () => ({ action: options.ask?.() ?? 'cancel' }));
  }
  await client.connect(new V2Stdio(parameters as never));
  return client;
}

const envelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};
const initialize = {
  id: 'init',
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
};

describe.each(kinds)('the client %s through the bridge', kind => {
  it('speaks its own era, lists and calls', async () => {
    const client = await connect(kind);

    const { tools } = await client.listTools();
    const created = await client.callTool({ name: 'todo.create-item', arguments: { title: `By ${kind}` } });
    const unknown = client.callTool({ name: 'todo.nosuch', arguments: {} });

    expect(tools.map(({ name }) => name)).toContain('todo.create-item');
    expect(created.structuredContent).toMatchObject({ title: `By ${kind}` });
    await expect(unknown).rejects.toMatchObject({ code: -32602 });
    if (client instanceof V2Client) {
      expect(client.getProtocolEra()).toBe(kind === 'v2-legacy' ? 'legacy' : 'modern');
    }
    await client.close();
  });

  it('is narrowed to the profile of CALLBOARD_MODE', async () => {
    const client = await connect(kind, { env: { CALLBOARD_MODE: 'readonly' } });

    const { tools } = await client.listTools();
    const writing = client.callTool({ name: 'todo.create-item', arguments: { title: 'No' } });

    expect(tools.length).toBeGreaterThan(0);
    expect(tools.filter(({ annotations }) => !annotations?.readOnlyHint)).toEqual([]);
    await expect(writing).rejects.toMatchObject({ code: -32602 });
    await client.close();
  });

  it.each(['accept', 'decline'] as const)('is asked to approve, and answers: %s', async answer => {
    const client = await connect(kind, { env: { CALLBOARD_TOKEN: 'token-of-careful-1234567890' }, ask: () => answer });

    const result = await client.callTool({
      name: 'todo.create-item',
      arguments: { title: `Asked ${kind} ${answer}` },
    });

    expect(result.isError ?? false).toBe(answer === 'decline');
    await client.close();
  });

  it('cancels a call, and the action hears of it', async () => {
    const client = await connect(kind);
    const controller = new AbortController();

    const options = { signal: controller.signal };
    const params = { name: 'slow.wait', arguments: {} };
    const result =
      client instanceof V1Client ? client.callTool(params, undefined, options) : client.callTool(params, options);
    result.catch(() => {});
    const call = await slow.nextCall();
    controller.abort();

    await expect(result).rejects.toThrow();
    await call.aborted;
    expect((await client.listTools()).tools.length).toBeGreaterThan(0);
    await client.close();
  });
});

describe('the bridge', () => {
  it('says who the agent is', async () => {
    const client = await connect('sdk-v1', {
      env: {
        CALLBOARD_TOKEN: 'token-of-careful-1234567890',
        CALLBOARD_AGENT_ID: 'cursor-local',
        CALLBOARD_MODE: 'agent',
      },
    });

    await client.callTool({ name: 'todo.create-item', arguments: { title: 'Whose?' } });

    expect(desk.all.at(-1)?.request.agentId).toBe('cursor-local');
    await client.close();
  });

  it('does not start with a mode that there is not', async () => {
    const started = bridge({ env: { CALLBOARD_MODE: 'root' } });

    expect(await started.exited).toBe(2);
    expect(started.log).toBe('callboard: CALLBOARD_MODE: expected agent, operator, readonly, admin, got "root"\n');
    expect(started.lines).toEqual([]);
  });

  it('writes nothing but messages, whatever else goes on in the process', async () => {
    const noise = `data:text/javascript,${encodeURIComponent(`
      console.log('log'); console.info('info'); console.table([1]);
      setTimeout(() => { console.log('later'); process.emitWarning('careful'); process.stdout.write('raw\\n'); }, 300);
      setTimeout(() => Promise.reject(new Error('nobody catches this')), 350);
    `)}`;
    const started = bridge({
      env: { NODE_DEBUG: 'http,net,stream,timer,undici,fetch', NODE_OPTIONS: '--trace-warnings' },
      nodeArgs: [
        '--import',
        `data:text/javascript,${encodeURIComponent(`setTimeout(() => import(${JSON.stringify(noise)}), 400)`)}`,
      ],
    });

    started.send(initialize);
    await started.answerTo('init');
    await new Promise(resolve => setTimeout(resolve, 1_500));
    started.send({ id: 1, method: 'ping' });
    await started.answerTo(1);

    expect(await started.stop()).toBe(0);
    expect(started.lines.map(line => JSON.parse(line).id)).toEqual(['init', 1]);
    expect(started.rest).toBe('');
    expect(started.log).toContain('later');
    expect(started.log).toContain('nobody catches this');
  });

  it('never says the token', async () => {
    const started = bridge({ env: { CALLBOARD_TOKEN: 'a-secret-that-nobody-knows' } });

    started.send(initialize);
    const { error } = await started.answerTo('init');

    expect(error?.message).toContain('does not accept the token (HTTP 401)');
    expect(JSON.stringify(error) + started.log).not.toContain('a-secret');
  });

  it('hides a token of the command line from those who list processes', async () => {
    const started = startBridge({ env: cleanEnv(home, { CALLBOARD_URL: url }), args: ['--token', app.token] });
    bridges.push(started);
    started.send(initialize);
    await started.answerTo('init');

    expect(started.log).toContain('A token on the command line can be read by other users');
    if (process.platform === 'linux') {
      expect(readFileSync(`/proc/${started.child.pid}/cmdline`, 'utf8')).not.toContain(app.token);
    }
  });

  it('goes on after lines that are no messages', async () => {
    const started = bridge();

    started.write('{"jsonrpc":"2.0",\r\n');
    started.write('[]\n"text"\n{"jsonrpc":"1.0","id":7,"method":"ping"}\n\r\n\n');
    started.write(`{"jsonrpc":"2.0","id":8,"method":"ping","params":{"x":"${'x'.repeat(9 * 1024 * 1024)}"}}\n`);
    started.write(`{"method":"ping","params":{"x":"${'x'.repeat(9 * 1024 * 1024)}"},"jsonrpc":"2.0","id":9}\n`);
    started.write(`${JSON.stringify({ jsonrpc: '2.0', ...initialize })}\r\n`);
    await started.answerTo('init');

    const errors = started.lines.map(line => JSON.parse(line)).filter(({ error }) => error);
    expect(errors.map(({ id, error }) => [id, error.code])).toEqual([
      [null, -32700],
      [null, -32600],
      [null, -32600],
      [null, -32600],
      [8, -32600],
      [9, -32600],
    ]);
  });

  it('answers a batch with a batch', async () => {
    const started = bridge();
    started.send(initialize);
    await started.answerTo('init');

    started.write(
      `${JSON.stringify([
        { jsonrpc: '2.0', id: 1, method: 'ping' },
        { jsonrpc: '2.0', method: 'notifications/initialized' },
        { jsonrpc: '2.0', id: 2, method: 'ping' },
      ])}\n`,
    );
    started.send({ id: 3, method: 'ping' });
    await started.answerTo(3);
    await new Promise(resolve => setTimeout(resolve, 200));

    const batch = started.lines.map(line => JSON.parse(line)).find(Array.isArray);
    expect(batch?.map(({ id }: { id: number }) => id).sort()).toEqual([1, 2]);
  });

  it('refuses a second request with the id of one that is open', async () => {
    const started = bridge();
    const wait = { id: 1, method: 'tools/call', params: { name: 'slow.wait', arguments: {}, _meta: envelope } };

    started.send(wait);
    const call = await slow.nextCall();
    started.send(wait);
    const { error } = await started.answerTo(1);
    started.send({ method: 'notifications/cancelled', params: { requestId: 1 } });

    expect(error?.code).toBe(-32600);
    await call.aborted;
  });

  it('goes on, and ends, where nobody reads any more what it says beside its messages', async () => {
    const started = bridge();
    started.send(initialize);
    await started.answerTo('init');
    started.child.stderr.destroy();

    started.child.stdin.write('no message\n');
    started.child.stdin.write('nor this\n');
    started.send({ id: 'after', method: 'ping' });

    expect(await started.answerTo('after')).toMatchObject({ result: {} });
    expect(await started.stop()).toBe(0);
  });

  it('ends when its input ends, and when it is told to', async () => {
    const first = bridge();
    first.send(initialize);
    await first.answerTo('init');
    const second = bridge();
    second.send(initialize);
    await second.answerTo('init');

    second.child.kill('SIGTERM');

    expect(await first.stop()).toBe(0);
    expect(await second.exited).toBe(0);
    expect(second.log).toBe('');
  });

  it('answers what was asked before its input ended', async () => {
    const started = bridge();

    started.send({ id: 1, method: 'server/discover', params: { _meta: envelope } });

    expect(await started.stop()).toBe(0);
    expect(JSON.parse(started.lines[0] as string)).toMatchObject({
      id: 1,
      result: { supportedVersions: expect.any(Array) },
    });
  });

  it('uses the older transport where there is no other', async () => {
    const client = await connect('sdk-v1', { env: { CALLBOARD_URL: `${url}/sse` } });

    const created = await client.callTool({ name: 'todo.create-item', arguments: { title: 'Over SSE' } });

    expect(created.structuredContent).toMatchObject({ title: 'Over SSE' });
    await client.close();
  });
});

describe('when the server restarts', () => {
  it.each([
    // In a session the server itself says so; a request of the 2026 era just breaks off.
    ['sdk-v1', { code: -32603, message: expect.stringContaining('Whether it has been done is not known') }],
    ['v2-modern', { code: -32603, message: expect.stringContaining('may have carried out') }],
  ] as const)('(%s) goes on with calls, and ends the open one with an error', async (kind, expected) => {
    const own = await start();
    const client = await connect(kind, { env: { CALLBOARD_URL: `${own.url}/api/mcp-actions/v1` } });
    await client.listTools();
    const open = client.callTool({ name: 'slow.wait', arguments: {} });
    open.catch(() => {});
    await slow.nextCall();

    await own.stop();
    await expect(open).rejects.toMatchObject(expected);
    const again = client.callTool({ name: 'todo.create-item', arguments: { title: 'Afterwards' } });
    const second = await start(own.port);

    expect((await again).structuredContent).toMatchObject({ title: 'Afterwards' });
    expect((await client.listTools()).tools.length).toBeGreaterThan(0);
    await client.close();
    await second.stop();
  });
});
