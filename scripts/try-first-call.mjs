// What a new user does first, as a check: clones the repository, runs `npm start` with nothing installed, and makes
// the first call with what the terminal shows. Used by continuous integration; takes a minute or two.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootDir } from './lib/paths.mjs';

const deadlineMs = 600_000;
const folder = mkdtempSync(join(tmpdir(), 'callboard-first-call-'));
const clone = join(folder, 'callboard');
let server;

try {
  execFileSync('git', ['clone', '--quiet', rootDir, clone], { stdio: 'inherit' });
  const port = await freePort();
  const overlay = join(folder, 'port.yaml');
  writeFileSync(overlay, `backend: { baseUrl: 'http://localhost:${port}', listen: { port: ${port} } }\n`);

  const args = ['start', '--', '--config', 'app-config.yaml', '--config', overlay];
  server = spawn('npm', args, { cwd: clone, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  const screen = await waitFor(server, /^ {2}\{\n[\s\S]*?^ {2}\}$/m);
  const { url, headers } = JSON.parse(screen).mcpServers.callboard;

  const message = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'todo.greet-user', arguments: { name: 'Ada' } },
  };
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'application/json' },
    body: JSON.stringify(message),
  });
  const text = await response.text();
  if (JSON.parse(text).result?.structuredContent?.greeting !== 'Hello Ada!') {
    throw new Error(`The first call was answered with ${response.status} ${text}`);
  }
  const changes = execFileSync('git', ['status', '--porcelain'], { cwd: clone, encoding: 'utf8' });
  if (changes) {
    throw new Error(`Starting has changed files of the repository:\n${changes}`);
  }
  console.log('\nA first start from a clone, and a first call: as the README says.');
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  if (server?.exitCode === null) {
    process.kill(-server.pid, 'SIGTERM');
    await new Promise(resolve => server.once('close', resolve));
  }
  rmSync(folder, { recursive: true, force: true });
}

/** @returns what of the output matches. */
function waitFor(child, pattern) {
  return new Promise((resolve, reject) => {
    let output = '';
    const timeout = setTimeout(() => reject(new Error(`Not ready after ${deadlineMs / 1000} s`)), deadlineMs);
    child.stdout.setEncoding('utf8').on('data', chunk => {
      process.stdout.write(chunk);
      output += chunk;
      const [match] = pattern.exec(output) ?? [];
      if (match) {
        clearTimeout(timeout);
        resolve(match);
      }
    });
    child.once('close', code => {
      clearTimeout(timeout);
      reject(new Error(`npm start ended with ${code}`));
    });
  });
}

function freePort() {
  return new Promise(resolve => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
