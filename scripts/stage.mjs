// Puts the server with what it needs to run, and nothing else, into a folder: node scripts/stage.mjs <folder>
// For images and other machines. Installs and builds first; in a tree in which that has been done in full, it would
// take the tools away that others are using there, and refuses.
import './lib/nodeVersion.mjs';

const { cpSync, existsSync, mkdirSync, readdirSync } = await import('node:fs');
const { join, resolve } = await import('node:path');
const { focus } = await import('./lib/install.mjs');
const { readJson, rootDir } = await import('./lib/paths.mjs');
const { main, ScriptError } = await import('./lib/run.mjs');
const { setUp } = await import('./lib/setup.mjs');

const entry = 'packages/backend';

await main(async () => {
  const [folder, ...others] = process.argv.slice(2);
  if (folder === undefined || others.length > 0) {
    throw new ScriptError('Usage: node scripts/stage.mjs <folder that is empty or not there>');
  }
  const target = resolve(folder);
  if (existsSync(target) && readdirSync(target).length > 0) {
    throw new ScriptError(`${target}: expected an empty folder, or none`);
  }
  if (existsSync(join(rootDir, 'node_modules/vitest'))) {
    throw new ScriptError('Everything for development is installed here. Run this in a fresh clone.');
  }
  await setUp({ install: 'run', build: 'run' });
  // The compiler and what only it reads have done their work.
  await focus(['@callboard/backend']);

  mkdirSync(target, { recursive: true });
  const copy = path => cpSync(join(rootDir, path), join(target, path), { recursive: true, verbatimSymlinks: true });
  for (const path of ['package.json', 'LICENSE', 'app-config.yaml', 'app-config.production.yaml', 'node_modules']) {
    copy(path);
  }
  for (const workspace of listNeeded()) {
    copy(join(workspace, 'package.json'));
    for (const file of publishedFiles(workspace)) {
      copy(join(workspace, file));
    }
  }
  console.log(`The server is in ${target}.`);
});

/** The folders of the server and of all packages of this repository that it depends on. */
function listNeeded() {
  const folders = new Map(
    ['packages', 'plugins']
      .flatMap(parent => readdirSync(join(rootDir, parent)).map(name => `${parent}/${name}`))
      .map(folder => [readJson(join(rootDir, folder, 'package.json')).name, folder]),
  );
  const needed = new Set();
  const visit = folder => {
    if (needed.has(folder)) {
      return;
    }
    needed.add(folder);
    for (const name of Object.keys(readJson(join(rootDir, folder, 'package.json')).dependencies ?? {})) {
      const dependency = folders.get(name);
      if (dependency !== undefined) {
        visit(dependency);
      }
    }
  };
  visit(entry);
  return needed;
}

/** What a package publishes, as far as it is there. */
function publishedFiles(workspace) {
  return readJson(join(rootDir, workspace, 'package.json')).files.filter(
    file => !file.startsWith('!') && existsSync(join(rootDir, workspace, file)),
  );
}
