import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '@callboard/test-utils';

const folder = fileURLToPath(new URL('.', import.meta.url));
const startLimitMs = 60_000;
const stopLimitMs = 10_000;
const pollIntervalMs = 100;

/** `stock-backend.cjs` in a process of its own, which ends with the process that started it. */
export class StockBackend {
  readonly baseUrl: string;
  readonly #child: ChildProcess;
  readonly #output: () => string;

  private constructor(options: { baseUrl: string; child: ChildProcess; output: () => string }) {
    this.baseUrl = options.baseUrl;
    this.#child = options.child;
    this.#output = options.output;
  }

  /**
   * Starts the backend on a free port of the loopback interface.
   *
   * @param options.configs - Files that go over `app-config.yaml`, in this folder.
   * @param options.env - For `stock-backend.cjs` and those files.
   * @returns when every plugin is ready.
   * @throws Error with the backend's output if it ends or is not ready in time.
   */
  static async start(options: { configs?: string[]; env?: Record<string, string> } = {}): Promise<StockBackend> {
    const { configs = [], env = {} } = options;
    const port = await freePort();
    const configArguments = ['app-config.yaml', ...configs].flatMap(file => ['--config', file]);
    const child = fork('stock-backend.cjs', configArguments, {
      cwd: folder,
      env: { ...inheritedEnvironment(), ...env, COMPAT_PORT: String(port), NODE_ENV: 'production' },
      execArgv: [],
      silent: true,
    });
    const chunks: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
    }
    const backend = new StockBackend({
      baseUrl: `http://127.0.0.1:${port}`,
      child,
      output: () => chunks.join(''),
    });
    try {
      await backend.waitFor('/.backstage/health/v1/readiness');
    } catch (error) {
      await backend.stop();
      throw error;
    }
    return backend;
  }

  /** What it has printed. */
  get output(): string {
    return this.#output();
  }

  /** Asks for a path until it answers with success. */
  async waitFor(path: string, headers: Record<string, string> = {}): Promise<void> {
    const deadlineMs = Date.now() + startLimitMs;
    for (;;) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`The backend ended before ${path} answered. Its output:\n${this.#output()}`);
      }
      if (Date.now() > deadlineMs) {
        throw new Error(`${path} did not answer within ${startLimitMs} ms. The backend's output:\n${this.#output()}`);
      }
      const ready = await fetch(`${this.baseUrl}${path}`, { headers }).then(
        response => response.ok,
        () => false, // nobody listens yet
      );
      if (ready) {
        return;
      }
      await delay(pollIntervalMs);
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
      return;
    }
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const killTimer = setTimeout(() => this.#child.kill('SIGKILL'), stopLimitMs);
    await ended;
    clearTimeout(killTimer);
  }
}

/** Configuration and Node options meant for the process that runs the tests are not the backend's. */
function inheritedEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('APP_CONFIG_') && name !== 'NODE_OPTIONS'),
  );
}
