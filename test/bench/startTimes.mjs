import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { findFreePort, inheritedEnvironment } from './BenchServer.mjs';
import { benchConfig } from './benchConfig.mjs';
import { readResidentBytes } from './residentBytes.mjs';

const program = fileURLToPath(new URL('../../packages/backend/dist/index.js', import.meta.url));
const startLimitMs = 60_000;

/**
 * Starts the server of `packages/backend` with the example plugin, as it is shipped.
 *
 * @returns For a first start, which creates the data, and for each further one: from the start of the process to its
 * first screen, and the memory that it holds then.
 */
export async function measureStarts({ times, onProgress }) {
  const folder = mkdtempSync(join(tmpdir(), 'callboard-bench-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.once('exit', removeFolder);
  try {
    const starts = [];
    for (let index = 0; index <= times; index++) {
      onProgress(index === 0 ? 'first start' : `start ${index} of ${times}`);
      starts.push(await measureStart(folder));
    }
    const [first, ...further] = starts;
    return { first, further };
  } finally {
    process.off('exit', removeFolder);
    removeFolder();
  }
}

/** @returns the options of Node's that `npm start` has. */
function startOptions() {
  const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return scripts.start.split(' ').filter(word => word.startsWith('--'));
}

async function measureStart(folder) {
  const configFile = join(folder, 'app-config.json');
  writeFileSync(configFile, JSON.stringify(await exampleConfig(folder)));
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...startOptions(), program, '--config', configFile], {
    cwd: folder,
    env: { ...inheritedEnvironment(), NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stopNow = () => child.kill('SIGKILL');
  process.once('exit', stopNow);
  const ended = once(child, 'exit');
  let output = '';
  child.stderr.on('data', chunk => {
    output += chunk;
  });
  try {
    const readyMs = await new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error(`Not ready in ${startLimitMs} ms:\n${output}`)), startLimitMs).unref();
      ended.then(([code]) => reject(new Error(`The server ended with ${code}:\n${output}`)));
      createInterface(child.stdout).on('line', line => {
        output += `${line}\n`;
        if (/ is ready in \d+ ms/.test(line)) {
          resolve(performance.now() - startedAt);
        }
      });
    });
    return { readyMs, residentBytes: readResidentBytes(child.pid) };
  } finally {
    child.kill('SIGTERM');
    await ended;
    process.off('exit', stopNow);
  }
}

async function exampleConfig(folder) {
  const token = randomBytes(24).toString('base64url');
  const { app: _app, ...config } = benchConfig({ port: await findFreePort(), sources: 1, folder, token });
  return {
    ...config,
    backend: { ...config.backend, actions: { ...config.backend.actions, pluginSources: ['todo'] } },
    audit: { ...config.audit, database: { enabled: true } },
  };
}
