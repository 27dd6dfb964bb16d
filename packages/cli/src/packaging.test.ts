import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { binFile, buildCli, cleanEnv, makeHome } from './testing/cli.js';

const packageDir = fileURLToPath(new URL('..', import.meta.url));
const modulesDir = join(packageDir, '../../node_modules');
const { version, dependencies } = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8'));

let folder: string;
let packed: string;
beforeAll(() => {
  buildCli();
  folder = makeHome();
  // npm packs what `files` and `bin` say, as Yarn does, and is there with Node.
  const { status, stdout, stderr } = runNpm(['pack', '--json', '--pack-destination', folder], packageDir);
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  packed = join(folder, JSON.parse(stdout)[0].filename);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const npmOptions = (cwd: string) => ({
  cwd,
  encoding: 'utf8' as const,
  timeout: 200_000,
  env: { ...process.env, npm_config_cache: join(folder, 'cache'), npm_config_update_notifier: 'false' },
});
const runNpm = (args: string[], cwd: string) => spawnSync('npm', args, npmOptions(cwd));

it('holds the program, its sources of help and nothing of its tests', () => {
  const { stdout } = spawnSync('tar', ['-tzf', packed], { encoding: 'utf8' });
  const files = stdout.trim().split('\n');

  expect(files).toEqual(expect.arrayContaining(['package/package.json', 'package/README.md', 'package/dist/bin.js']));
  expect(files.filter(file => /test|testing|\.map$|\.d\.ts$|tsbuildinfo|src\//.test(file))).toEqual([]);
  expect(files.length).toBeGreaterThan(30);
});

/** Unpacks the program next to those that it names, and what these need; nothing that only the repository has. */
function install(): { empty: string; target: string } {
  const empty = join(folder, 'installed');
  const target = join(empty, 'node_modules/@callboard/cli');
  if (!existsSync(target)) {
    mkdirSync(target, { recursive: true });
    spawnSync('tar', ['-xzf', packed, '-C', target, '--strip-components=1']);
    for (const name of Object.keys(dependencies)) {
      linkWithDependencies(name, join(empty, 'node_modules'));
    }
  }
  return { empty, target };
}

it('runs where nothing else is of this repository', () => {
  const { empty, target } = install();

  const { stdout, stderr, status } = spawnSync(process.execPath, [join(target, 'dist/bin.js'), '--version'], {
    cwd: empty,
    encoding: 'utf8',
  });

  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
});

it('serves a project that it is no part of', () => {
  const { empty, target } = install();
  const config = join(empty, 'app-config.yaml');
  const settings = {
    baseUrl: 'http://localhost:7007',
    database: { client: 'better-sqlite3', connection: { directory: join(empty, 'data') } },
    actions: { pluginSources: ['todo'] },
  };
  writeFileSync(config, JSON.stringify({ backend: settings }));
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };

  const { stdout, status } = spawnSync(
    process.execPath,
    [join(target, 'dist/bin.js'), 'mcp', '--project', join(packageDir, '../..'), '--config', config],
    {
      cwd: empty,
      env: cleanEnv(folder),
      encoding: 'utf8',
      timeout: 25_000,
      input: `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta } })}\n`,
    },
  );

  const { id, result } = JSON.parse(stdout);
  expect({ id, status }).toEqual({ id: 1, status: 0 });
  expect(result.tools.map(({ name }: { name: string }) => name)).toContain('todo.create-item');
});

it('ends quietly when nobody reads on', () => {
  const { stdout, stderr } = spawnSync('sh', ['-c', `"${process.execPath}" "${binFile}" --help | head -n 1`], {
    encoding: 'utf8',
  });

  expect({ stdout, stderr }).toEqual({ stdout: 'Usage: callboard [options] [command]\n', stderr: '' });
});

it('runs with npx from the packed file', ({ skip }) => {
  const empty = join(folder, 'empty');
  mkdirSync(empty, { recursive: true });
  if (runNpm(['view', 'commander@14.0.3', 'version'], empty).status !== 0) {
    console.warn('No package registry answers: npx is not tried');
    skip('no package registry answers');
  }

  const { status, stdout } = spawnSync('npx', ['--yes', `file:${packed}`, '--help'], npmOptions(empty));

  expect({ status, help: stdout.split('\n')[0] }).toEqual({ status: 0, help: 'Usage: callboard [options] [command]' });
}, 300_000);

function linkWithDependencies(name: string, into: string, from = modulesDir): void {
  const target = join(into, name);
  const source = existsSync(join(from, name)) ? join(from, name) : join(modulesDir, name);
  if (existsSync(target) || !existsSync(source)) {
    return;
  }
  mkdirSync(dirname(target), { recursive: true });
  if (existsSync(join(source, 'node_modules'))) {
    cpSync(source, target, { recursive: true });
  } else {
    symlinkSync(source, target);
  }
  const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  for (const dependency of Object.keys(manifest.dependencies ?? {})) {
    linkWithDependencies(dependency, into, join(source, 'node_modules'));
  }
}
