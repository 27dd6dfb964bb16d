// What a new user does first, as a check: clones the repository, runs `npm start` with nothing installed, makes the
// first calls with what the terminal shows, and opens the page on which one of them is approved. Used by continuous
// integration; takes a minute or two.
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

  const call = async (name, args) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }),
    });
    const text = await response.text();
    return { answer: `${response.status} ${text}`, result: JSON.parse(text).result };
  };

  const read = await call('todo.list-items', {});
  if (!Array.isArray(read.result?.structuredContent?.items)) {
    throw new Error(`The first call was answered with ${read.answer}`);
  }
  const write = await call('todo.greet-user', { name: 'Ada' });
  const page = write.result?._meta?.['callboard/approval']?.url;
  if (!write.result?.isError || !page) {
    throw new Error(`A call that needs approval was answered with ${write.answer}`);
  }
  // Nobody is signed in, so this ends on the page to sign in.
  const shown = await fetch(page);
  if (shown.status !== 200 || !(await shown.text()).includes('Continue as guest')) {
    throw new Error(`The page of the approval, ${page}, was answered with ${shown.status} at ${shown.url}`);
  }
  const changes = execFileSync('git', ['status', '--porcelain'], { cwd: clone, encoding: 'utf8' });
  if (changes) {
    throw new Error(`Starting has changed files of the repository:\n${changes}`);
  }
  console.log('\nA first start from a clone, and the first calls: as the README says.');
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
