import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { listPackageFolders, readJson, rootDir } from './paths.mjs';
import { run, ScriptError } from './run.mjs';

const yarnPackage = '@yarnpkg/cli-dist@4.18.1';
const modules = join(rootDir, 'node_modules');
const nativeModule = join(modules, 'better-sqlite3');
const stampFile = join(modules, '.callboard-install.json');
const stopped = 'Stopped. The next run takes up the installation where this one ended.';
const runPackages = ['@callboard/root', '@callboard/backend'];

/**
 * What is installed: `run` is what the server needs, `full` what developing and testing needs, too.
 *
 * @typedef {'run' | 'full'} InstallMode
 */

/** @param {InstallMode} mode */
export function isInstalled(mode) {
  if (!existsSync(stampFile)) {
    return false;
  }
  const stamp = readStamp();
  return (
    (stamp.mode === 'full' || stamp.mode === mode) &&
    stamp.wanted === describeWanted() &&
    stamp.found === describeFound()
  );
}

/** @param {InstallMode} mode */
export async function install(mode) {
  // Someone who has the tools keeps them: `start` must not remove what `test` or Yarn itself installed.
  const full = mode === 'full' || existsSync(join(modules, 'vitest/package.json'));
  const first = !existsSync(modules);
  console.log(
    `${first ? 'Installing' : 'Updating'} ${full ? 'everything for development' : 'what the server needs'}${
      first ? '; a first time takes a minute or two' : ''
    } …`,
  );
  const wanted = describeWanted();
  // Gone while work is under way, so that an interrupted installation is taken up again.
  rmSync(stampFile, { force: true });
  const args = full ? ['install', '--immutable'] : ['workspaces', 'focus', '--production', ...runPackages];
  const status = await run(npmCommand('npx'), ['--yes', yarnPackage, ...args], { env: toolEnvironment() });
  if (status > 128) {
    throw new ScriptError(stopped);
  }
  if (status !== 0) {
    const uncompiled = existsSync(nativeModule) && !loadsNativeModule();
    throw new ScriptError(uncompiled ? describeMissingCompiler() : describeFailedInstall(full));
  }
  await ensureNativeModule();
  writeFileSync(
    stampFile,
    `${JSON.stringify({ mode: full ? 'full' : 'run', wanted, found: describeFound() }, null, 2)}\n`,
  );
}

/**
 * Leaves what these packages of the repository need to run, and removes the rest.
 *
 * @param {string[]} packages
 */
export async function focus(packages) {
  const args = ['--yes', yarnPackage, 'workspaces', 'focus', '--production', ...packages];
  if ((await run(npmCommand('npx'), args, { env: toolEnvironment() })) !== 0) {
    throw new ScriptError(describeFailedInstall(false));
  }
  await ensureNativeModule();
}

function readStamp() {
  try {
    return readJson(stampFile);
  } catch {
    // Cut off while it was written: as good as none.
    return {};
  }
}

/** Changes with everything that an installation depends on. */
function describeWanted() {
  const hash = createHash('sha256');
  const files = ['yarn.lock', '.yarnrc.yml', 'package.json', ...listPackageFolders().map(f => `${f}/package.json`)];
  for (const file of files) {
    hash.update(`${file}\n`).update(readFileSync(join(rootDir, file)));
  }
  const { platform, arch, versions } = process;
  return `${platform} ${arch} modules-${versions.modules} ${hash.digest('hex')}`;
}

/** Changes when someone else installs, and when the compiled module goes away. */
function describeFound() {
  return [join(modules, '.yarn-state.yml'), join(nativeModule, 'build/Release/better_sqlite3.node')]
    .map(file => (existsSync(file) ? `${statSync(file).size} ${Math.trunc(statSync(file).mtimeMs)}` : 'missing'))
    .join(', ');
}

/** better-sqlite3 is compiled for one major version of Node; Yarn does not notice when that changes. */
async function ensureNativeModule() {
  if (loadsNativeModule()) {
    return;
  }
  console.log('Compiling better-sqlite3 for this Node …');
  rmSync(join(nativeModule, 'build'), { recursive: true, force: true });
  const status = await run(npmCommand('npm'), ['run', 'install'], { cwd: nativeModule, env: toolEnvironment() });
  if (status > 128) {
    throw new ScriptError(stopped);
  }
  if (!loadsNativeModule()) {
    throw new ScriptError(describeMissingCompiler());
  }
}

function loadsNativeModule() {
  const probe = `new (require(${JSON.stringify(nativeModule)}))(':memory:').close()`;
  return spawnSync(process.execPath, ['-e', probe], { stdio: 'ignore' }).status === 0;
}

function describeMissingCompiler() {
  return `better-sqlite3, the database, could not be compiled for Node ${process.versions.node}. Its output is above; most often
a compiler is missing:
  Debian, Ubuntu   apt-get install -y python3 make g++
  Fedora           dnf install -y python3 make gcc-c++
  Alpine           apk add python3 make g++
  macOS            xcode-select --install
Then run the same command again.`;
}

function describeFailedInstall(full) {
  const hint = full
    ? 'If package.json was changed, run "yarn install" once, or: npx --yes @yarnpkg/cli-dist@4.18.1 install'
    : 'If the network was down, run the same command again.';
  return `The installation failed; Yarn's messages are above. ${hint}`;
}

function npmCommand(name) {
  return process.platform === 'win32' ? `${name}.cmd` : name;
}

/** The Node that runs this script comes first, so that modules are compiled for it; npm keeps notices to itself. */
function toolEnvironment() {
  const { PATH = '', ...rest } = process.env;
  return {
    ...rest,
    PATH: [dirname(process.execPath), PATH].join(delimiter),
    npm_config_update_notifier: 'false',
    npm_config_fund: 'false',
    npm_config_loglevel: 'error',
  };
}
