import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sourceId } from './actions.mjs';
import { benchRequests, readResult, requestHeaders } from './wire.mjs';

const folder = fileURLToPath(new URL('.', import.meta.url));
const startLimitMs = 60_000;
const pollIntervalMs = 100;

/** One of the servers under test, in a process of its own. */
export class BenchServer {
  #child;
  #errorOutput = '';

  constructor({ child, server, url }) {
    this.#child = child;
    this.server = server;
    this.url = url;
    child.stderr.setEncoding('utf8').on('data', chunk => {
      this.#errorOutput = `${this.#errorOutput}${chunk}`.slice(-8_000);
    });
  }

  /**
   * @param core - The CPU core to stay on; undefined for any.
   * @returns when the server lists all its actions.
   */
  static async start({ server, count, sources, core }) {
    const port = await findFreePort();
    const pluginSources = Array.from({ length: sources }, (_, index) => sourceId(index));
    const options = {
      cwd: folder,
      env: {
        ...inheritedEnvironment(),
        NODE_ENV: 'production',
        BENCH_PORT: String(port),
        BENCH_SERVER: JSON.stringify({ host: server.host, plugin: server.plugin, count, sources }),
        APP_CONFIG_backend_actions_pluginSources: JSON.stringify(pluginSources),
      },
      // Logs are formatted and written like everywhere, to nowhere.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    };
    const args = ['server.mjs', '--config', 'app-config.yaml'];
    const child =
      core === undefined
        ? fork(args[0], args.slice(1), { ...options, execArgv: [] })
        : spawn('taskset', ['-c', String(core), process.execPath, ...args], options);
    const started = new BenchServer({ child, server, url: `http://127.0.0.1:${port}/api/mcp-actions/v1` });
    try {
      await started.#waitUntilComplete(count);
    } catch (error) {
      await started.stop();
      throw error;
    }
    return started;
  }

  /**
   * Sends one request.
   *
   * @returns The size of the answer's body.
   * @throws Error if the answer is not right in every part.
   */
  async checkAnswer(request) {
    const response = await fetch(this.url, { method: 'POST', headers: requestHeaders, body: request.body });
    const contentType = response.headers.get('content-type') ?? '';
    const text = await response.text();
    request.check(readResult({ status: response.status, contentType, text }));
    return Buffer.byteLength(text);
  }

  /** @returns CPU time of the process since it began, all threads, and the memory it holds now. */
  async readUsage() {
    const answer = once(this.#child, 'message');
    this.#child.send('usage');
    const [usage] = await answer;
    return usage;
  }

  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
      return;
    }
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  async #waitUntilComplete(count) {
    const list = benchRequests(count).find(request => request.name === 'tools/list');
    const deadlineMs = Date.now() + startLimitMs;
    for (;;) {
      try {
        await this.checkAnswer(list);
        return;
      } catch (error) {
        const { exitCode, signalCode } = this.#child;
        if (exitCode !== null || signalCode !== null) {
          throw new Error(`${this.server.title} ended with ${exitCode ?? signalCode}:\n${this.#errorOutput}`);
        }
        if (Date.now() > deadlineMs) {
          throw new Error(`${this.server.title} was not ready in ${startLimitMs} ms:\n${this.#errorOutput}`, {
            cause: error,
          });
        }
      }
      await delay(pollIntervalMs);
    }
  }
}

function inheritedEnvironment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('APP_CONFIG_') && name !== 'NODE_OPTIONS'),
  );
}

async function findFreePort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
