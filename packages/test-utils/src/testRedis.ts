import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createClient } from '@redis/client';
import { freePort } from './freePort.js';
import { describeUnless } from './testDatabases.js';

const redisUrl = process.env.CALLBOARD_TEST_REDIS ?? 'redis://127.0.0.1:6379';
const howToStartRedis = 'redis-server --daemonize yes';

/** A Redis that answers, and a prefix in it that is nobody else's. */
export interface TestRedis {
  readonly url: string;
  readonly prefix: string;
  /** Sends one command, past everything that is tested. */
  command(...parts: string[]): Promise<unknown>;
  /** Deletes what is under the prefix. */
  drop(): Promise<void>;
}

/** A redis-server of a test's own. */
export interface OwnRedis extends TestRedis {
  readonly port: number;
  /** Lets nothing happen in it, while its connections stay. */
  pause(): void;
  resume(): void;
  /** Ends it as a crash would; nothing of what was in it is kept. */
  kill(): Promise<void>;
  /** Starts it again, on the same port. */
  start(): Promise<void>;
}

export async function openRedis(): Promise<TestRedis> {
  return openAt(redisUrl);
}

/** Starts a redis-server on a free port; needs the program. `drop` ends it. */
export async function startRedis(options: { args?: readonly string[] } = {}): Promise<OwnRedis> {
  const port = await freePort();
  const directory = await mkdtemp(join(tmpdir(), 'callboard-redis-'));
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--dir',
    directory,
    ...(options.args ?? []),
  ];
  let server: ChildProcess | undefined;
  const start = async () => {
    server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    await saysReady(server);
  };
  const kill = async () => {
    if (server && server.exitCode === null && server.signalCode === null) {
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
    }
  };
  await start();
  const { url, prefix, command } = openAt(`redis://127.0.0.1:${port}`);
  return {
    url,
    prefix,
    command,
    port,
    pause: () => void server?.kill('SIGSTOP'),
    resume: () => void server?.kill('SIGCONT'),
    kill,
    start,
    drop: async () => {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Defines tests that need Redis; without it they are skipped, with a line that says so, and fail in CI. */
export async function describeOnRedis(name: string, define: () => void): Promise<void> {
  describeUnless(await whyRedisIsUnreachable(), name, define);
}

/** Defines tests that need the program redis-server; without it they are skipped, with a line that says so, and fail in CI. */
export function describeWithRedisServer(name: string, define: () => void): void {
  const { error } = spawnSync('redis-server', ['--version']);
  describeUnless(
    error && `redis-server cannot be started (${error.message}); get it with: apt-get install redis-server`,
    name,
    define,
  );
}

function openAt(url: string): TestRedis {
  const prefix = `callboard-test-${randomUUID()}`;
  const command = (...parts: string[]) => sendOnce(url, parts);
  const drop = async () => {
    const keys = (await command('KEYS', `${prefix}*`)) as string[];
    if (keys.length > 0) {
      await command('DEL', ...keys);
    }
  };
  return { url, prefix, command, drop };
}

async function sendOnce(url: string, parts: readonly string[]): Promise<unknown> {
  const client = createClient({ url, RESP: 2, maintNotifications: 'disabled', socket: { reconnectStrategy: false } });
  // The command says it, too.
  client.on('error', () => {});
  await client.connect();
  try {
    return await client.sendCommand(parts);
  } finally {
    client.destroy();
  }
}

async function saysReady({ stdout }: ChildProcess): Promise<void> {
  let said = '';
  const ended = once(stdout as Readable, 'end').then(() => {
    throw new Error(`redis-server ended before it was ready: ${said}`);
  });
  const ready = new Promise<void>(resolve => {
    stdout?.on('data', chunk => {
      said += String(chunk);
      if (said.includes('Ready to accept connections')) {
        resolve();
      }
    });
  });
  ended.catch(() => {});
  await Promise.race([ready, ended]);
}

async function whyRedisIsUnreachable(): Promise<string | undefined> {
  try {
    await sendOnce(redisUrl, ['PING']);
    return undefined;
  } catch (error) {
    const { host } = new URL(redisUrl);
    return `Redis does not answer at ${host} (${error}); start it with: ${howToStartRedis}, or name another in CALLBOARD_TEST_REDIS`;
  }
}
