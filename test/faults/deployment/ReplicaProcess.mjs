import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../replica.mjs', import.meta.url));
const clock = new URL('../clock.mjs', import.meta.url).href;
const rootDir = fileURLToPath(new URL('../../../', import.meta.url));
const files = ['app-config.yaml', 'app-config.production.yaml'];
const startLimitMs = 120_000;
const stopLimitMs = 60_000;
const askAgainMs = 50;
const keptLines = 200;
/** Said by each plugin at each start. */
const isKnown = line => line.includes('backend.baseUrl is set to a localhost URL');

/** One of the replicas: killed, stopped, paused and started again under the same address. */
export class ReplicaProcess {
  #env;
  #configFile;
  #child;
  #lines = [];

  constructor({ name, port, env, configFile }) {
    this.name = name;
    this.port = port;
    this.#env = env;
    this.#configFile = configFile;
  }

  get pid() {
    return this.#child?.pid;
  }

  /** The last that it has written. */
  get said() {
    return this.#lines.join('\n');
  }

  /** Does not wait for it. */
  launch() {
    const args = [...files, this.#configFile].flatMap(file => ['--config', file]);
    const preloaded = this.#env.FAULTS_CLOCK === undefined ? [] : ['--import', clock];
    const child = spawn(process.execPath, [...preloaded, program, ...args], {
      cwd: rootDir,
      env: { PATH: process.env.PATH, NODE_ENV: 'production', LOG_LEVEL: 'warn', ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', text => {
        this.#lines.push(...text.split('\n').filter(line => line !== '' && !isKnown(line)));
        this.#lines.splice(0, this.#lines.length - keptLines);
      });
    }
    child.once('exit', (code, signal) => {
      this.lastExit = { code, signal };
    });
    this.lastExit = undefined;
    this.#child = child;
  }

  /** @throws Error with what it has written, if it ends or takes too long. */
  async ready() {
    const deadlineMs = performance.now() + startLimitMs;
    while (!(await this.#isReady())) {
      if (this.lastExit || performance.now() > deadlineMs) {
        throw new Error(
          `Replica ${this.name}: expected it to be ready, got ${JSON.stringify(this.lastExit)}:\n${this.said}`,
        );
      }
      await delay(askAgainMs);
    }
  }

  async start() {
    this.launch();
    await this.ready();
  }

  signal(signal) {
    this.#child.kill(signal);
  }

  async kill() {
    if (this.#child && !this.lastExit) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await ended;
    }
  }

  /**
   * With SIGTERM, as it is done in operation.
   *
   * @returns {Promise<{ code: number | null, signal: string | null }>}
   */
  async stop() {
    if (this.#child && !this.lastExit) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGTERM');
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), stopLimitMs);
      await ended;
      clearTimeout(timer);
    }
    return this.lastExit;
  }

  async #isReady() {
    try {
      const asking = get({
        host: '127.0.0.1',
        port: this.port,
        path: '/.backstage/health/v1/readiness',
        agent: false,
        signal: AbortSignal.timeout(5_000),
      });
      const [answer] = await once(asking, 'response');
      answer.resume();
      return answer.statusCode === 200;
    } catch {
      return false;
    }
  }
}
