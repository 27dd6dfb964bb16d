import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectClient, freePort } from '@callboard/test-utils';
import { afterEach, beforeEach, expect, test } from 'vitest';

// The built server in a process of its own, as `npm start` runs it; `npm test` builds it first.
const server = fileURLToPath(new URL('../dist/index.js', import.meta.url));

let folder: string;
let running: ChildProcess | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'callboard-server-'));
});

afterEach(async () => {
  if (running && running.exitCode === null) {
    running.kill('SIGKILL');
    await once(running, 'exit');
  }
  running = undefined;
  rmSync(folder, { recursive: true, force: true });
});

test('the first screen is enough to connect, call an action and find the data; SIGTERM ends the server', async () => {
  const port = await freePort();
  const { output, exit, stop } = start(settings(port));

  const screen = await output(/^Configuration for MCP clients[\s\S]*?^ {2}\}$/m);
  // Lines of the log may have come in between the screen and our look at it.
  const [configuration = ''] = /^ {2}\{\n[\s\S]*?^ {2}\}$/m.exec(screen) ?? [];
  const { url, headers } = JSON.parse(configuration).mcpServers.callboard;
  const client = await connectClient({ url, token: headers.Authorization.slice(7), kind: 'sdk-v1-streamable' });
  const result = await client.callTool('todo.greet-user', { name: 'Ada' });
  stop('SIGTERM');

  expect(result.structuredContent).toEqual({ greeting: 'Hello Ada!' });
  expect(screen).toMatch(/^Callboard \d+\.\d+\.\d+ is ready in \d+ ms$/m);
  expect(screen).toMatch(/^ {2}todo {2}\d+ actions$/m);
  expect(screen).toContain(`SQLite files in ${folder}/data\n`);
  expect(existsSync(join(folder, 'data/todo.sqlite'))).toBe(true);
  expect(await exit).toEqual({ code: 0, signal: null });
});

test('a token that the operator configured is used and shown nowhere', async () => {
  const port = await freePort();
  const token = 'Jd83-kVwq_71Zxm0RtYb';
  const { output, stop, exit, text } = start(settings(port), { auth: { externalAccess: [access(token)] } });

  await output(/Configuration for MCP clients/);
  const client = await connectClient({ url: `http://localhost:${port}/api/mcp-actions/v1`, token, kind: 'v2-modern' });
  const tools = await client.listTools();
  stop('SIGINT');

  expect(tools.length).toBeGreaterThan(0);
  expect(await exit).toEqual({ code: 0, signal: null });
  expect(text()).not.toContain(token);
});

test('on an address that others reach, the server does not start without a token', async () => {
  const { exit, text } = start({ listen: `:${await freePort()}` });

  expect(await exit).toEqual({ code: 1, signal: null });
  expect(text()).toContain('Callboard did not start.');
  expect(text()).toContain('backend.auth.externalAccess: expected at least one access token');
});

test('all mistakes of the host’s settings are told at once, without a stack', async () => {
  const { exit, text } = start({
    baseUrl: 'nowhere',
    listen: { host: '127.0.0.1', port: 'many' },
    auth: { externalAccess: [access('changeme')] },
  });

  expect(await exit).toEqual({ code: 1, signal: null });
  expect(text()).toContain('backend.baseUrl: expected the URL under which clients reach the server, got "nowhere"');
  expect(text()).toContain('backend.listen: expected host and port');
  expect(text()).toContain('backend.auth.externalAccess[0].options.token: expected a random token');
  expect(text()).not.toContain('    at ');
});

test('mistakes in a plugin’s settings stop the start, and are all told', async () => {
  const port = await freePort();
  const { exit, text } = start(settings(port), { mcpActions: { nam: 'x', toolNameStyle: 'odd' } });

  expect(await exit).toEqual({ code: 1, signal: null });
  expect(text()).toContain('mcpActions.nam: there is no such key');
  expect(text()).toContain('mcpActions.toolNameStyle: ');
  expect(text()).not.toContain('    at ');
});

test('a port in use is told with the key that chooses it', async () => {
  const port = await freePort();
  const other = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');

  const { exit, text } = start(settings(port));
  const ended = await exit;
  other.close();

  expect(ended).toEqual({ code: 1, signal: null });
  expect(text()).toContain(`Port ${port} is in use`);
  expect(text()).toContain('backend.listen');
});

function start(...layers: object[]) {
  const files = layers.flatMap((layer, index) => {
    const file = join(folder, `${index}.yaml`);
    writeFileSync(file, JSON.stringify('mcpActions' in layer ? layer : { backend: layer }));
    return ['--config', file];
  });
  // Another working directory than the repository: nothing may depend on it.
  const child = spawn(process.execPath, [server, ...files], {
    cwd: folder,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running = child;
  let text = '';
  const exit = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  const output = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => pattern.test(text) && resolve(text);
      child.stdout.on('data', look);
      void exit.then(() => reject(new Error(`expected ${pattern}, got the end of the output:\n${text}`)));
    });
  const collect = (chunk: Buffer) => {
    text += chunk;
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  return { output, exit, stop: (signal: NodeJS.Signals) => child.kill(signal), text: () => text };
}

function settings(port: number) {
  return {
    baseUrl: `http://localhost:${port}`,
    listen: { host: '127.0.0.1', port },
    database: { client: 'better-sqlite3', connection: { directory: join(folder, 'data') } },
    actions: { pluginSources: ['todo'], mode: 'full_access' },
  };
}

function access(token: string) {
  return { type: 'static', options: { token, subject: 'mcp-clients' } };
}
