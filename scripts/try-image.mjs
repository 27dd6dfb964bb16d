// Does what the Containerfile says, without a container engine: every COPY and every RUN but those that install
// packages of the system, in folders in the place of images, as a user who may write there and nowhere else; then
// starts the result with the command, the user and the environment of the image, on a PostgreSQL database and a Redis
// of its own, asks for its health as the image does, calls an action, and stops it. It needs root, PostgreSQL
// (CALLBOARD_TEST_POSTGRES), redis-server, and a registry of packages.
//   node scripts/try-image.mjs            a fresh clone
//   node scripts/try-image.mjs <folder>   the files of this folder, as they are
// What it does not show: that an engine takes the file, and that the base image has what its name says.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { healthCommand, lastOf, parseContainerfile, parseCopy } from './lib/containerfile.mjs';
import { rootDir } from './lib/paths.mjs';

const readyWithinMs = 60_000;
const folder = mkdtempSync(join(tmpdir(), 'callboard-image-'));
// The user of the image has to get in.
chmodSync(folder, 0o755);
const closers = [() => rmSync(folder, { recursive: true, force: true })];

try {
  if (process.getuid?.() !== 0) {
    throw new Error('This needs root, to run the steps as the user that the Containerfile names.');
  }
  const context = join(folder, 'context');
  const [given] = process.argv.slice(2);
  if (given === undefined) {
    execFileSync('git', ['clone', '--quiet', rootDir, context], { stdio: 'inherit' });
  } else {
    cpSync(resolve(given), context, { recursive: true, verbatimSymlinks: true });
  }
  const stages = parseContainerfile(readFileSync(join(context, 'Containerfile'), 'utf8'));
  const image = stages.at(-1);
  const [uid] = (lastOf(image, 'USER') ?? '').split(':').map(Number);
  if (!Number.isInteger(uid) || uid === 0) {
    throw new Error(`Containerfile: expected USER with a number that is not 0, got ${lastOf(image, 'USER')}`);
  }
  removeIgnored(context);
  for (const stage of stages) {
    runStage(stage, { context, uid });
  }
  await tryImage(image, uid);
  console.log('\nWhat the Containerfile says makes a server that starts, answers and stops. No image was built.');
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  for (const close of closers.reverse()) {
    await close();
  }
}

/** What does not reach the engine. */
function removeIgnored(context) {
  const patterns = readFileSync(join(context, '.dockerignore'), 'utf8')
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'));
  for (const pattern of patterns) {
    const args = pattern.startsWith('**/')
      ? [context, '-depth', '-name', pattern.slice(3)]
      : [context, '-depth', '-path', join(context, pattern)];
    execFileSync('find', [...args, '-exec', 'rm', '-rf', '{}', '+']);
  }
}

function rootOf(stage) {
  return join(folder, `root-${stage.name ?? 'image'}`);
}

function runStage(stage, { context, uid }) {
  const root = rootOf(stage);
  mkdirSync(root);
  let directory = root;
  for (const { keyword, value } of stage.instructions) {
    if (keyword === 'WORKDIR') {
      directory = join(root, value);
      mkdirSync(directory, { recursive: true });
    } else if (keyword === 'COPY') {
      const { from, sources, target } = parseCopy(value);
      for (const source of sources) {
        const path = join(from === undefined ? context : join(folder, `root-${from}`), source);
        if (!existsSync(path)) {
          throw new Error(`Containerfile: COPY ${value}: there is no ${source}`);
        }
        cpSync(path, join(directory, target), { recursive: true, verbatimSymlinks: true });
      }
      // Steps run as the user of the image; only in the last stage, what is there stays root's, as in the image.
      if (stage.name !== undefined) {
        chownSync(root, uid, uid);
        execFileSync('chown', ['-R', `${uid}:${uid}`, directory]);
      }
    } else if (keyword === 'RUN' && value.startsWith('apt-get ')) {
      console.log(`Not run here: ${value}`);
    } else if (keyword === 'RUN') {
      console.log(`RUN ${value}`);
      const asUser = stage.name === undefined ? {} : { uid, gid: uid };
      const environment = { PATH: process.env.PATH, HOME: directory };
      const { status } = spawnSync('sh', ['-c', value], {
        cwd: directory,
        env: { ...registry(), ...environment },
        stdio: 'inherit',
        ...asUser,
      });
      if (status !== 0) {
        throw new Error(`Containerfile: RUN ${value} ended with ${status}`);
      }
    }
  }
}

/** Where this machine gets its packages from, and what they are compiled with: the user of the image has no settings. */
function registry() {
  const wanted = /^(npm_config_|YARN_|HTTPS?_PROXY$|NO_PROXY$|NODE_EXTRA_CA_CERTS$)/i;
  const own = ['registry', 'nodedir'].flatMap(name => {
    const value = execFileSync('npm', ['config', 'get', name], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return ['', 'undefined', 'null'].includes(value.trim()) ? [] : [[`npm_config_${name}`, value.trim()]];
  });
  return Object.fromEntries([...own, ...Object.entries(process.env).filter(([name]) => wanted.test(name))]);
}

async function tryImage(image, uid) {
  const directory = join(rootOf(image), lastOf(image, 'WORKDIR'));
  const [program, ...args] = JSON.parse(lastOf(image, 'CMD'));
  const file = args.find(arg => !arg.startsWith('--')) ?? '';
  const script = join(directory, file);
  if (program !== 'node' || file === '' || !existsSync(script)) {
    throw new Error(
      `Containerfile: CMD: expected node and a file that the steps have made, got ${program} ${args.join(' ')}`,
    );
  }
  for (const name of ['vitest', '@biomejs/biome', '@types/oidc-provider', '@callboard/test-utils']) {
    if (exists(join(directory, 'node_modules', name))) {
      throw new Error(`The image has ${name}, which nothing in it needs`);
    }
  }
  const size = execFileSync('du', ['-sh', directory], { encoding: 'utf8' }).split('\t')[0];
  console.log(`What the image adds to its base: ${size}`);

  const port = await freePort();
  const variables = (lastOf(image, 'ENV') ?? '').split(' ').map(pair => pair.split('='));
  const env = {
    PATH: process.env.PATH,
    ...Object.fromEntries(variables),
    ...(await openDatabases()),
    CALLBOARD_URL: 'https://mcp.example.com',
    MCP_TOKEN: randomBytes(24).toString('base64url'),
    OPS_TOKEN: randomBytes(24).toString('base64url'),
    ADMIN_PASSWORD_HASH: 'scrypt$48jYa7QCdERKJC4w1WIgtA==$yBpGBTJqPmXfmAlS8kFzcjdMDZmifJiRkZApYG2H/oc=',
    APP_CONFIG_backend_listen_port: String(port),
  };
  const as = { cwd: directory, env, uid, gid: uid };
  const server = spawn(process.execPath, args, { ...as, stdio: ['ignore', 'pipe', 'inherit'] });
  closers.push(async () => {
    if (server.exitCode === null && server.signalCode === null) {
      server.kill('SIGKILL');
      await once(server, 'exit');
    }
  });
  server.stdout.on('data', chunk => process.stdout.write(String(chunk).replace(/^\{.*\n/gm, '')));
  const ended = once(server, 'exit');
  const url = `http://127.0.0.1:${port}`;
  await becomesReady(server, `${url}/.backstage/health/v1/readiness`);

  const [checker, ...checkArgs] = healthCommand(lastOf(image, 'HEALTHCHECK'));
  // Not waited for in place: the server is to answer meanwhile, and so is this process.
  const [health] = await once(spawn(checker === 'node' ? process.execPath : checker, checkArgs, as), 'exit');
  const answer = await fetch(`${url}/api/mcp-actions/v1`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${env.MCP_TOKEN}`, 'Content-Type': 'application/json' },
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"todo.list-items","arguments":{}}}',
  });
  const text = await answer.text();
  server.kill(lastOf(image, 'STOPSIGNAL'));
  const [status] = await ended;
  const [afterwards] = await once(spawn(process.execPath, checkArgs, as), 'exit');
  if (health !== 0 || afterwards !== 1 || !text.includes('structuredContent') || status !== 0) {
    throw new Error(
      `expected health 0 and then 1, an answer, and exit 0, got ${health}, ${afterwards}, ${answer.status} ${text}, ${status}`,
    );
  }
}

/** Also for links that lead nowhere. */
function exists(path) {
  try {
    return Boolean(lstatSync(path));
  } catch {
    return false;
  }
}

async function becomesReady(server, url) {
  const deadlineMs = performance.now() + readyWithinMs;
  while ((await fetch(url).catch(() => undefined))?.status !== 200) {
    if (server.exitCode !== null || performance.now() > deadlineMs) {
      throw new Error(`expected the server to be ready within ${readyWithinMs} ms`);
    }
    await delay(100);
  }
}

/** @returns what the server has to know of them. */
async function openDatabases() {
  const postgres = new URL(process.env.CALLBOARD_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/test');
  const name = `callboard_image_${process.pid}`;
  const sql = statement =>
    execFileSync('psql', [postgres.href, '-qc', statement], { stdio: ['ignore', 'ignore', 'inherit'] });
  sql(`create database ${name}`);
  closers.push(() => sql(`drop database ${name} with (force)`));
  const port = await freePort();
  const redis = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], {
    stdio: 'ignore',
  });
  closers.push(async () => {
    redis.kill();
    await once(redis, 'exit');
  });
  return {
    POSTGRES_HOST: postgres.hostname,
    POSTGRES_PORT: postgres.port || '5432',
    POSTGRES_USER: decodeURIComponent(postgres.username),
    POSTGRES_PASSWORD: decodeURIComponent(postgres.password) || 'any',
    POSTGRES_DATABASE: name,
    REDIS_URL: `redis://127.0.0.1:${port}`,
  };
}

function freePort() {
  return new Promise(found => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => found(port));
    });
  });
}
