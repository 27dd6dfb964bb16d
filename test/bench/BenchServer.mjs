import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { benchConfig } from './benchConfig.mjs';
import { fetchAccessToken } from './fetchAccessToken.mjs';
import { getServer } from './servers.mjs';
import { benchRequest, readResult } from './wire.mjs';

const benchFolder = fileURLToPath(new URL('.', import.meta.url));
const startLimitMs = 60_000;
const pollIntervalMs = 50;

/**
 * What is started.
 *
 * @typedef {object} ServerSetting
 * @property {string} server
 * @property {number} actions
 * @property {number} sources
 * @property {boolean} [rows] Whether the trail is in the database besides.
 * @property {string} [silentUrl] Of a source that never answers.
 */

/** One of the servers under test, in a process of its own. */
export class BenchServer {
  #child;
  #folder;
  #setting;
  #errorOutput = '';
  #tokens = {};

  constructor({ child, folder, setting, origin, token }) {
    this.#child = child;
    this.#folder = folder;
    this.#setting = setting;
    this.#tokens.static = token;
    this.origin = origin;
    this.server = getServer(setting.server);
    this.url = `${origin}${this.server.path}`;
    this.token = token;
    process.once('exit', this.#stopNow);
    child.stderr.setEncoding('utf8').on('data', chunk => {
      this.#errorOutput = `${this.#errorOutput}${chunk}`.slice(-8_000);
    });
  }

  /**
   * @param {object} options
   * @param {ServerSetting} options.setting
   * @param {number} [options.core] The CPU core to stay on; any, if not given.
   * @param {string[]} [options.nodeOptions] Such as `--expose-gc`.
   * @returns when the server lists all its actions.
   */
  static async start({ setting, core, nodeOptions = [] }) {
    const { program, hosted, nodeOptions: usual = [] } = getServer(setting.server);
    const { actions: count, sources, rows: rowsToo, silentUrl } = setting;
    const port = await findFreePort();
    const token = randomBytes(24).toString('base64url');
    const folder = mkdtempSync(join(tmpdir(), 'callboard-bench-'));
    const configFile = join(folder, 'app-config.json');
    writeFileSync(configFile, JSON.stringify(benchConfig({ port, sources, folder, token, silentUrl, rowsToo })));
    const command = [
      ...(core === undefined ? [] : ['taskset', '-c', String(core)]),
      ...[process.execPath, ...usual, ...nodeOptions, 'server.mjs'],
      ...(hosted ? ['--config', configFile] : []),
    ];
    const child = spawn(command[0], command.slice(1), {
      cwd: benchFolder,
      env: {
        ...inheritedEnvironment(),
        NODE_ENV: 'production',
        BENCH_SERVER: JSON.stringify({ program, port, count, sources }),
      },
      // Logs are formatted and written like everywhere, to nowhere.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const started = new BenchServer({ child, folder, setting, origin: `http://127.0.0.1:${port}`, token });
    try {
      await started.#waitUntilComplete();
    } catch (error) {
      await started.stop();
      throw error;
    }
    return started;
  }

  /**
   * @param {object} options
   * @param {'static' | 'oauth'} [options.token] Which kind of token it carries; that of the client is obtained at need.
   * @returns A request as {@link benchRequest} has it.
   */
  async createRequest({ request, era, token = 'static' }) {
    this.#tokens[token] ??= await fetchAccessToken({ port: Number(new URL(this.origin).port) });
    return benchRequest({ request, era, count: this.#setting.actions, token: this.#tokens[token] });
  }

  /**
   * Sends one request.
   *
   * @returns The size of the answer's body.
   * @throws Error if the answer is not right in every part.
   */
  async checkAnswer({ headers, body, check }) {
    const response = await fetch(this.url, { method: 'POST', headers, body });
    const contentType = response.headers.get('content-type') ?? '';
    const text = await response.text();
    check(readResult({ status: response.status, contentType, text }));
    return Buffer.byteLength(text);
  }

  /**
   * @param {{ collectGarbage?: boolean }} [options] Garbage can be collected with `--expose-gc` only.
   * @returns CPU time of the process since it began, all threads, and the memory it holds now.
   */
  async readUsage({ collectGarbage = false } = {}) {
    const answer = once(this.#child, 'message');
    this.#child.send({ collectGarbage });
    const [usage] = await answer;
    return usage;
  }

  async stop() {
    process.off('exit', this.#stopNow);
    const ended = this.#hasEnded() ? undefined : once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
    this.#removeFolder();
  }

  #stopNow = () => {
    this.#child.kill('SIGKILL');
    this.#removeFolder();
  };

  #hasEnded() {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #removeFolder() {
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #waitUntilComplete() {
    const { actions, sources } = this.#setting;
    const what = `${this.server.title} with ${actions} actions of ${sources} sources`;
    const failed = once(this.#child, 'exit').then(([code, signal]) => {
      throw new Error(`${what} ended with ${code ?? signal}:\n${this.#errorOutput}`);
    });
    failed.catch(() => {}); // Once it is up, its end is found out by those who ask it.
    const limit = AbortSignal.timeout(startLimitMs);
    await Promise.race([once(this.#child, 'message', { signal: limit }), failed]).catch(error => {
      throw limit.aborted ? new Error(`${what} was not up in ${startLimitMs} ms:\n${this.#errorOutput}`) : error;
    });
    const list = await this.createRequest({ request: 'tools/list' });
    for (;;) {
      try {
        await this.checkAnswer(list);
        return;
      } catch (cause) {
        if (limit.aborted) {
          throw new Error(`${what} did not list them in ${startLimitMs} ms:\n${this.#errorOutput}`, { cause });
        }
      }
      await Promise.race([delay(pollIntervalMs), failed]);
    }
  }
}

export function inheritedEnvironment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('APP_CONFIG_') && name !== 'NODE_OPTIONS'),
  );
}

export async function findFreePort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
