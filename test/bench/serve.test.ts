import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connectClient, freePort } from '@callboard/test-utils';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

vi.setConfig({ testTimeout: 60_000 });

// The built server in a process of its own, as `npm run bench:server` runs it after it has installed and built.
const program = `
  import { readServerOptions } from ${JSON.stringify(new URL('serverOptions.mjs', import.meta.url))};
  import { serve } from ${JSON.stringify(new URL('serve.mjs', import.meta.url))};
  await serve(readServerOptions(process.argv.slice(1), process.env));`;

let folder: string;
let running: ChildProcess | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'callboard-serve-'));
});

afterEach(async () => {
  if (running && running.exitCode === null && running.signalCode === null) {
    running.kill('SIGKILL');
    await once(running, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
});

test('the server to measure has the actions, takes the token, and leaves nothing behind', async () => {
  const port = await freePort();
  const child = start(['--actions', '30', '--sources', '3', '--port', String(port)], {
    MCP_TOKEN: 'a-token-of-my-own',
  });

  const screen = await linesUntil(child, /^ {2}Tool/);
  const [, url = ''] = /URL +(\S+)/.exec(screen) ?? [];
  const [, tool = ''] = /Tool +([^\s,]+)/.exec(screen) ?? [];
  const client = await connectClient({ url, token: 'a-token-of-my-own', kind: 'v2-modern' });
  const tools = await client.listTools();
  const result = await client.callTool(tool, { message: 'Beginners, please' });
  const [data = ''] = readdirSync(folder);
  const trail = readdirSync(join(folder, data, 'audit'));
  await client.close();
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');

  expect(screen).not.toContain('a-token-of-my-own');
  expect(tools).toHaveLength(30);
  expect(new Set(tools.map(({ name }) => name.split('.')[0]))).toEqual(new Set(['bench-1', 'bench-2', 'bench-3']));
  expect(result.structuredContent).toEqual({ message: 'Beginners, please' });
  expect(trail).toContainEqual(expect.stringMatching(/\.jsonl$/));
  expect(code).toBe(0);
  expect(readdirSync(folder)).toEqual([]);
});

test('without a token in the environment, the one that it made up is shown', async () => {
  const child = start(['--actions', '1', '--port', String(await freePort())]);

  const screen = await linesUntil(child, /^ {2}Tool/);
  const [, url = ''] = /URL +(\S+)/.exec(screen) ?? [];
  const [, token = ''] = /Token +(\S+)/.exec(screen) ?? [];
  const client = await connectClient({ url, token, kind: 'sdk-v1-streamable' });

  expect(await client.listTools()).toHaveLength(1);
  await client.close();
});

function start(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, '--', ...args], {
    env: { PATH: process.env.PATH, TMPDIR: folder, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running = child;
  return child;
}

async function linesUntil(child: ReturnType<typeof start>, last: RegExp): Promise<string> {
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    if (last.test(line)) {
      break;
    }
  }
  return lines.join('\n');
}
