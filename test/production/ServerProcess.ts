import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '@callboard/test-utils';

export const rootDir = fileURLToPath(new URL('../..', import.meta.url));

/** How the server is started in production, from the folder of the repository or the image. */
export const productionCommand = [
  '--no-allocation-site-pretenuring',
  'packages/backend/dist/index.js',
  '--config',
  'app-config.yaml',
  '--config',
  'app-config.production.yaml',
];

const PATIENCE_MS = 90_000;
const ASK_AGAIN_MS = 50;

/** The built server in a process of its own, with the configuration of production. */
export class ServerProcess {
  readonly port: number;
  readonly url: string;
  readonly auditFolder: string;
  readonly #child: ChildProcess;
  readonly exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  #text = '';

  private constructor(options: { child: ChildProcess; port: number; auditFolder: string }) {
    this.#child = options.child;
    this.port = options.port;
    this.url = `http://127.0.0.1:${options.port}`;
    this.auditFolder = options.auditFolder;
    this.exit = once(options.child, 'close').then(([code, signal]) => ({ code, signal }));
    for (const stream of [options.child.stdout, options.child.stderr]) {
      stream?.on('data', chunk => {
        this.#text += chunk;
      });
    }
  }

  /**
   * @param options.env - what docs/deploying.md asks for, and more.
   * @param options.folder - for what the process writes.
   */
  static async start(options: {
    env: Record<string, string>;
    folder: string;
    command?: readonly string[];
    cwd?: string;
    port?: number;
    uid?: number;
  }): Promise<ServerProcess> {
    const { command = productionCommand, cwd = rootDir, uid, folder } = options;
    const port = options.port ?? (await freePort());
    const auditFolder = join(folder, 'audit');
    mkdirSync(folder, { recursive: true });
    const child = spawn(process.execPath, command, {
      cwd,
      ...(uid !== undefined && { uid, gid: uid }),
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'production',
        APP_CONFIG_backend_listen_port: String(port),
        APP_CONFIG_audit_file_directory: auditFolder,
        APP_CONFIG_safety_pause_file: join(folder, 'PAUSE'),
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new ServerProcess({ child, port, auditFolder });
  }

  /** What it has written so far. */
  get text(): string {
    return this.#text;
  }

  /** Without what comes of asking it. */
  get #said(): string {
    const lines = this.#text.split('\n').filter(line => !line.includes('/.backstage/health/'));
    return lines.slice(-30).join('\n');
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async health(of: 'readiness' | 'liveness' = 'readiness'): Promise<{ status: number; message: string | undefined }> {
    const response = await fetch(`${this.url}/.backstage/health/v1/${of}`, { headers: { connection: 'close' } });
    const { message } = (await response.json()) as { message?: string };
    return { status: response.status, message };
  }

  /** @throws Error with what it has written, if it is not in time, or ends instead. */
  async ready(): Promise<this> {
    let found: unknown;
    await this.until(
      async () => {
        const health = await this.health().catch((error: Error) => ({ status: 0, message: error.message }));
        found = health;
        return health.status === 200;
      },
      () => `to be ready, got ${JSON.stringify(found)}`,
    );
    return this;
  }

  /** Asks until it is so. @throws Error if it does not come to be, or the process ends first. */
  async until(isSo: () => boolean | Promise<boolean>, expected = () => 'something that did not come'): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    let hasEnded = false;
    void this.exit.then(() => {
      hasEnded = true;
    });
    while (!(await isSo())) {
      if (hasEnded || performance.now() > deadlineMs) {
        throw new Error(`expected ${expected()}${hasEnded ? ', and the server has ended' : ''}:\n${this.#said}`);
      }
      await delay(ASK_AGAIN_MS);
    }
  }

  /** Ends it, whatever state it is in. */
  async kill(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
    }
    await this.exit;
  }
}
