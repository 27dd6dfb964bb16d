import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client as V2Client } from '@modelcontextprotocol/client';
import { StdioClientTransport as V2Stdio } from '@modelcontextprotocol/client/stdio';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as V1Stdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { binFile, buildCli, cleanEnv, makeHome, startStdio } from '../testing/cli.js';

const repository = fileURLToPath(new URL('../../../..', import.meta.url));
const noisy = fileURLToPath(new URL('../testing/noisyBackend.mjs', import.meta.url));
const kinds = ['sdk-v1', 'v2-legacy', 'v2-modern'] as const;
type Kind = (typeof kinds)[number];

let home: string;
let config: string;
beforeAll(buildCli);
beforeEach(() => {
  home = makeHome();
  config = join(home, 'app-config.yaml');
  configure();
  return () => rmSync(home, { recursive: true, force: true });
});

/** What the configuration of a project may have, and of what this command has its own. */
function configure(more: object = {}, backend: object = {}) {
  writeFileSync(
    config,
    JSON.stringify({
      backend: {
        baseUrl: 'https://portal.example.com',
        listen: ':7007',
        database: { client: 'better-sqlite3', connection: { directory: join(home, 'data') } },
        auth: {
          externalAccess: [{ type: 'static', options: { token: 'known-to-everybody-8472', subject: 'everybody' } }],
        },
        actions: { pluginSources: ['todo', 'noisy'], mode: 'full_access' },
        ...backend,
      },
      auth: { experimentalDynamicClientRegistration: { enabled: true }, providers: { guest: {} } },
      mcpActions: { servers: { reading: { name: 'Reading', filter: { include: [{ id: 'todo:list-items' }] } } } },
      ...more,
    }),
  );
}

const started: ReturnType<typeof startStdio>[] = [];
function start(options: { args?: string[]; env?: Record<string, string> } = {}) {
  const args = ['mcp', '--project', repository, '--config', config, ...(options.args ?? [])];
  const process = startStdio({ args, env: cleanEnv(home, options.env) });
  started.push(process);
  return process;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map(process => process.stop()));
});

type AnyClient = V1Client | V2Client;
const clients: AnyClient[] = [];
afterEach(async () => {
  await Promise.all(clients.splice(0).map(client => client.close()));
});

async function connect(kind: Kind, options: { args?: string[]; env?: Record<string, string> } = {}) {
  const args = [binFile, 'mcp', '--project', repository, '--config', config, ...(options.args ?? [])];
  const parameters = { command: process.execPath, args, env: cleanEnv(home, options.env), stderr: 'pipe' as const };
  const info = { name: `test-${kind}`, version: '1.0.0' };
  const capabilities = { elicitation: { form: {} } };
  const answer = () => ({ action: 'accept' as const, content: { name: 'Ada' } });
  const transport = kind === 'sdk-v1' ? new V1Stdio(parameters) : new V2Stdio(parameters);
  let log = '';
  transport.stderr?.on('data', chunk => {
    log += chunk;
  });
  let client: AnyClient;
  if (transport instanceof V1Stdio) {
    client = new V1Client(info, { capabilities });
    client.setRequestHandler(ElicitRequestSchema, answer);
    await client.connect(transport);
  } else {
    const mode = kind === 'v2-modern' ? { pin: '2026-07-28' as const } : 'legacy';
    client = new V2Client(info, { capabilities, versionNegotiation: { mode } });
    client.setRequestHandler('elicitation/create', answer);
    await client.connect(transport);
  }
  clients.push(client);
  return { client, log: () => log };
}

const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};
const discover = { id: 'd', method: 'server/discover', params: { _meta: meta } };
const create = (id: number, title: string) => ({
  id,
  method: 'tools/call',
  params: { name: 'todo.create-item', arguments: { title }, _meta: meta },
});

describe.each(kinds)('the client %s', kind => {
  it('lists and calls the actions of the project, with no other server', async () => {
    const { client } = await connect(kind, { env: { CALLBOARD_AGENT_ID: 'cursor-local' } });

    const { tools } = await client.listTools();
    const created = await client.callTool({ name: 'todo.create-item', arguments: { title: `By ${kind}` } });
    const { resources } = await client.listResources();
    const { prompts } = await client.listPrompts();

    expect(tools.map(({ name }) => name)).toContain('todo.create-item');
    expect(created.structuredContent).toMatchObject({ title: `By ${kind}` });
    expect(resources.length + prompts.length).toBeGreaterThan(0);
    if (client instanceof V2Client) {
      expect(client.getProtocolEra()).toBe(kind === 'v2-modern' ? 'modern' : 'legacy');
    }
  });

  it('is told, asked and heard, whatever the backend writes to standard output', async () => {
    const { client, log } = await connect(kind, { args: ['--entry', noisy] });
    const progress: number[] = [];
    const onprogress = ({ progress: value }: { progress: number }) => void progress.push(value);
    const call = (name: string, options: object = {}) =>
      client instanceof V1Client
        ? client.callTool({ name, arguments: {} }, undefined, options)
        : client.callTool({ name, arguments: {} }, options);

    const reported = await call('noisy.report', { onprogress });
    const asked = await call('noisy.ask');
    const controller = new AbortController();
    const waiting = call('noisy.wait', { signal: controller.signal });
    waiting.catch(() => {});
    await expect.poll(log).toContain('a call is waiting');
    controller.abort();

    await expect(waiting).rejects.toThrow();
    await expect.poll(log).toContain('a call was cancelled');
    expect(reported.structuredContent).toEqual({ done: true });
    // SDK clients lose what comes in one piece with the result; that all of it is sent is tested below.
    expect(progress[0]).toBe(1);
    expect(asked.structuredContent).toEqual({ answer: 'Ada' });
    expect(log()).toContain('noise of step 3');
  });
});

describe('standard output', () => {
  it('has messages and nothing else, from the first byte on', async () => {
    const server = start({ args: ['--entry', noisy, '--verbose'] });

    server.send(discover);
    await server.answerTo('d');
    const _meta = { ...meta, progressToken: 7 };
    server.send({ id: 1, method: 'tools/call', params: { name: 'noisy.report', arguments: {}, _meta } });
    await server.answerTo(1);

    expect(await server.stop()).toBe(0);
    expect(server.lines.map(line => JSON.parse(line)).map(({ id, params }) => id ?? params.progress)).toEqual([
      ...['d', 1, 2, 3, 1],
    ]);
    expect(server.rest).toBe('');
    for (const noise of ['of the import', 'of the descriptor', 'of a timer', 'of step 1', 'without a line break']) {
      expect(server.log).toContain(`noise ${noise}`);
    }
  });

  it('is not what a start that went well is told on, unless it is to be', async () => {
    const quiet = start();
    quiet.send(discover);
    await quiet.answerTo('d');
    const told = start({ args: ['--verbose'] });
    told.send(discover);
    await told.answerTo('d');

    await Promise.all([quiet.stop(), told.stop()]);

    expect(quiet.log).toMatch(/^callboard: Ready; its pages are at http:\/\/localhost:\d+$/m);
    expect(quiet.log).not.toContain('is ready in');
    expect(told.log).toContain('is ready in');
    expect([...quiet.lines, ...told.lines].map(line => JSON.parse(line).id)).toEqual(['d', 'd']);
  });
});

describe('the backend', () => {
  it('is narrowed by --server and CALLBOARD_MODE', async () => {
    const { client: reading } = await connect('v2-modern', { args: ['--server', 'reading'] });
    const { client: readonly } = await connect('v2-modern', { env: { CALLBOARD_MODE: 'readonly' } });

    const ofServer = await reading.listTools();
    const ofMode = await readonly.listTools();

    expect(ofServer.tools.map(({ name }) => name)).toEqual(['todo.list-items']);
    expect(ofMode.tools.length).toBeGreaterThan(1);
    expect(ofMode.tools.filter(({ annotations }) => !annotations?.readOnlyHint)).toEqual([]);
  });

  it('is reached from this machine only, at an address that its pages know, and not with tokens of the project', async () => {
    const server = start();
    server.send(discover);
    await server.answerTo('d');
    const [, origin = ''] = /pages are at (\S+)/.exec(server.log) ?? [];

    const knock = (authorization?: string) =>
      fetch(`${origin}/api/mcp-actions/v1`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...(authorization && { authorization }) },
        body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
      }).then(({ status }) => status);
    const page = await fetch(`${origin}/api/approvals/v1/pages`);

    expect(await knock()).toBe(401);
    expect(await knock('Bearer known-to-everybody-8472')).toBe(401);
    expect(page.status).toBe(200);
    expect(page.url.startsWith(origin)).toBe(true);
    if (process.platform === 'linux') {
      const listening = readFileSync('/proc/net/tcp', 'utf8').split('\n');
      const port = Number(new URL(origin).port).toString(16).toUpperCase().padStart(4, '0');
      const addresses = listening.filter(line => line.includes(`:${port} 00000000:0000 0A`));
      expect(addresses).toEqual([expect.stringContaining(`0100007F:${port}`)]);
    }
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('stops in order at %s', async signal => {
    const server = start({ args: ['--entry', noisy] });
    server.send(discover);
    await server.answerTo('d');

    server.child.kill(signal);

    expect(await server.exited).toBe(0);
    expect(server.log).toContain('the noisy plugin has stopped');
  });

  it('stops in order when the client has closed its end, and answers before', async () => {
    const server = start({ args: ['--entry', noisy] });
    server.send(discover);
    server.send({ id: 1, method: 'tools/list', params: { _meta: meta } });

    const code = await server.stop();

    expect(code).toBe(0);
    expect(server.lines.map(line => JSON.parse(line).id).sort()).toEqual([1, 'd']);
    expect(server.log).toContain('the noisy plugin has stopped');
  });

  it('may be used by several at once, also for the first time', async () => {
    const all = [1, 2, 3].map(() => start());
    for (const server of all) {
      server.send(discover);
    }
    await Promise.all(all.map(server => server.answerTo('d')));

    const answers = await Promise.all(
      all.flatMap((server, which) =>
        Array.from({ length: 10 }, (_, id) => {
          server.send(create(id, `${which}-${id}`));
          return server.answerTo(id);
        }),
      ),
    );

    expect(answers.filter(({ result }) => result && !result.isError)).toHaveLength(30);
    const params = { name: 'todo.list-items', arguments: { limit: 100 }, _meta: meta };
    all[0]?.send({ id: 'l', method: 'tools/call', params });
    const listed = await all[0]?.answerTo('l');
    expect(listed?.result?.structuredContent).toMatchObject({ items: Array(30).fill({ done: false }) });
  });
});

describe('a start that fails', () => {
  it.each<[string, { args?: string[]; env?: Record<string, string> }, number, string[]]>([
    [
      'says all mistakes of the configuration',
      {},
      1,
      ['mcpActions.nam: there is no such key', 'ended the process before it was ready'],
    ],
    [
      'says what an entry file does that waits for nothing',
      { args: ['--entry', noisy], env: { NOISY_FAILS: '1' } },
      1,
      ['The backend did not start', 'the noisy plugin has no database today'],
    ],
  ])('%s', async (_what, options, code, texts) => {
    configure(options.args ? {} : { mcpActions: { nam: 'x' } });
    const server = start(options);

    expect(await server.exited).toBe(code);
    for (const text of texts) {
      expect(server.log).toContain(text);
    }
    expect([...server.lines, server.rest]).toEqual(['']);
  });

  it.each<[string[], number, string]>([
    [['--entry', './nosuch.mjs'], 2, '--entry: there is no file or package at '],
    [['--entry', '@acme/nosuch'], 2, '--entry: there is no module @acme/nosuch'],
    [['--config', '/nosuch.yaml'], 2, '--config: there is no file /nosuch.yaml'],
    [['--project', '/nosuch'], 2, '--project: there is no folder /nosuch'],
    [['--server', 'a/b'], 2, '--server: expected a key of mcpActions.servers'],
    [['--mode', 'root'], 2, '--mode: expected agent, operator, readonly, admin, got "root"'],
    [['--server', 'nosuch'], 2, '--server: the backend has no MCP server "nosuch"'],
  ])('says what is wrong with %o', async (args, code, text) => {
    const server = start({ args });

    expect(await server.exited).toBe(code);
    expect(server.log).toContain(`callboard: ${text}`);
    expect(server.log).not.toContain('    at ');
    expect(server.lines).toEqual([]);
  });

  it('says what is missing where there is no project', async () => {
    const server = startStdio({ args: ['mcp', '--project', home], env: cleanEnv(home) });
    started.push(server);

    expect(await server.exited).toBe(2);
    expect(server.log).toMatch(/There is no @callboard\/backend in .*install @callboard\/backend there.*--entry/);
  });

  it('says so of a file that this Node cannot load', async () => {
    const entry = join(home, 'main.mts');
    writeFileSync(entry, 'enum Kind { One }\nconsole.log(Kind.One);\n');
    const server = start({ args: ['--entry', entry] });

    expect(await server.exited).toBe(2);
    expect(server.log).toContain(`${entry}: Node ${process.versions.node} cannot load this file`);
  });

  it('leaves nothing behind that keeps the next one from starting', async () => {
    configure({ mcpActions: { nam: 'x' } });
    await start().exited;
    configure();

    const server = start();
    server.send(discover);

    expect((await server.answerTo('d')).result).toBeDefined();
    expect(existsSync(join(home, 'data/todo.sqlite'))).toBe(true);
  });
});
