import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { run } from '../run.js';
import type { Surroundings } from '../Surroundings.js';

const packageDir = fileURLToPath(new URL('../..', import.meta.url));
export const binFile = join(packageDir, 'dist/bin.js');

/** Builds the program that tests start as a process; does nothing if it is up to date. */
export function buildCli(): void {
  const tsc = join(packageDir, '../../node_modules/typescript/bin/tsc');
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-b', packageDir], { encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`The command line does not compile:\n${stdout}${stderr}`);
  }
}

/** A folder that stands in for the person's own. */
export function makeHome(): string {
  return mkdtempSync(join(tmpdir(), 'callboard-cli-'));
}

/** The environment of a person who has nothing to do with the machine of the test. */
export function cleanEnv(home: string, more: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: home,
    CALLBOARD_STATE_DIR: join(home, 'state'),
    BROWSER: process.execPath,
    ...more,
  };
}

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions extends Partial<Pick<Surroundings, 'platform' | 'cwd' | 'homeDir' | 'env'>> {
  readonly stdin?: string;
  /** What the person at a terminal types, line by line; without it there is no terminal. */
  readonly typed?: readonly string[];
  readonly columns?: number;
}

/** Runs a command in this process. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const hasTerminal = options.typed !== undefined;
  const stdin = hasTerminal ? new PassThrough() : Readable.from(options.stdin ? [Buffer.from(options.stdin)] : []);
  const stdout = new Recorder();
  const stderr = new Recorder();
  const left = [...(options.typed ?? [])];
  stderr.onText = text => {
    // A question ends without a line break.
    if (/(\] |\): )$/.test(text) && stdin instanceof PassThrough) {
      const line = left.shift();
      setImmediate(() => (line === undefined ? stdin.end() : stdin.write(`${line}\n`)));
    }
  };
  const exitCode = await run(args, {
    env: options.env ?? {},
    stdin: Object.assign(stdin, { isTTY: hasTerminal }),
    stdout: Object.assign(stdout, { isTTY: hasTerminal, columns: options.columns }),
    stderr: Object.assign(stderr, { isTTY: hasTerminal }),
    platform: options.platform ?? 'linux',
    cwd: options.cwd ?? '/nowhere',
    homeDir: options.homeDir ?? '/nowhere',
    now: Date.now,
  });
  return { exitCode, stdout: stdout.text, stderr: stderr.text };
}

class Recorder extends Writable {
  text = '';
  onText: (text: string) => void = () => {};

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString('utf8');
    this.onText(chunk.toString('utf8'));
    done();
  }
}

/** A bridge as a process, spoken to line by line. */
export function startBridge(options: { env: Record<string, string>; args?: string[]; nodeArgs?: string[] }) {
  return startStdio({ ...options, args: ['bridge', ...(options.args ?? [])] });
}

/** A command that speaks MCP as a process, spoken to line by line. */
export function startStdio(options: { env: Record<string, string>; args: string[]; nodeArgs?: string[] }) {
  const child = spawn(process.execPath, [...(options.nodeArgs ?? []), binFile, ...options.args], {
    env: options.env,
    stdio: 'pipe',
  });
  const lines: string[] = [];
  const waiting: { matches: (message: JsonMessage) => boolean; resolve: (message: JsonMessage) => void }[] = [];
  let rest = '';
  let log = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString('utf8')).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) {
      lines.push(line);
      const message = JSON.parse(line) as JsonMessage;
      for (const entry of waiting.filter(({ matches }) => matches(message))) {
        waiting.splice(waiting.indexOf(entry), 1);
        entry.resolve(message);
      }
    }
  });
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString('utf8');
  });
  const exited = new Promise<number | null>(resolve => child.once('exit', resolve));
  return {
    child,
    lines,
    exited,
    get log() {
      return log;
    },
    /** What is on standard output after the last line break. */
    get rest() {
      return rest;
    },
    write: (text: string) => child.stdin.write(text),
    send: (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`),
    next: (matches: (message: JsonMessage) => boolean): Promise<JsonMessage> => {
      const earlier = lines.map(line => JSON.parse(line) as JsonMessage).find(matches);
      return earlier ? Promise.resolve(earlier) : new Promise(resolve => waiting.push({ matches, resolve }));
    },
    answerTo(id: number | string) {
      return this.next(message => message.id === id && message.method === undefined);
    },
    async stop() {
      child.stdin.end();
      const code = await exited;
      return code;
    },
  };
}

export interface JsonMessage {
  id?: number | string | null;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { code: number; message: string; data?: unknown };
}
