import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { listFiles, readJson, rootDir } from './paths.mjs';
import { runTool, ScriptError } from './run.mjs';

/**
 * What is built: `run` is the server, `full` also the packages that only tests use.
 *
 * @typedef {'run' | 'full'} BuildMode
 */

const entryProjects = { run: 'packages/backend/tsconfig.json', full: 'tsconfig.build.json' };
const stampFolder = join(rootDir, '.stamps');

/** @param {BuildMode} mode */
export function isBuilt(mode) {
  return [mode, 'full'].some(built => {
    const stamp = readStamp(built);
    return stamp !== undefined && stamp.sources === describeSources(built) && stamp.results === describeResults(built);
  });
}

/** @param {BuildMode} mode */
export async function build(mode) {
  console.log('Building …');
  const sources = describeSources(mode);
  const stamp = readStamp(mode);
  // The compiler looks at its own notes in dist/, not at each result: lost files need a full build.
  const damaged = stamp !== undefined && stamp.results !== describeResults(mode);
  rmSync(stampFile(mode), { force: true });
  const status = await runTool('typescript', 'tsc', ['-b', entryProjects[mode], ...(damaged ? ['--force'] : [])]);
  if (status !== 0) {
    throw new ScriptError('The build failed; the messages of the TypeScript compiler are above.');
  }
  mkdirSync(stampFolder, { recursive: true });
  writeFileSync(stampFile(mode), JSON.stringify({ sources, results: describeResults(mode) }));
}

function stampFile(mode) {
  return join(stampFolder, `build-${mode}.json`);
}

/** @returns {{ sources: string, results: string } | undefined} */
function readStamp(mode) {
  try {
    return readJson(stampFile(mode));
  } catch {
    // None yet, or cut off while it was written.
    return undefined;
  }
}

/** Changes when a source or a compiler setting does. */
function describeSources(mode) {
  const isSource = path => /\.[cm]?tsx?$|\.json$/.test(path) && !path.endsWith('.test.ts');
  const settings = ['tsconfig.base.json', entryProjects[mode], 'yarn.lock'].map(file => join(rootDir, file));
  const files = projectFolders(mode).flatMap(folder => [
    join(folder, 'package.json'),
    join(folder, 'tsconfig.json'),
    ...listFiles(join(folder, 'src'), isSource),
  ]);
  return fingerprint([...settings, ...files], ({ size, mtimeMs }) => `${size} ${mtimeMs}`);
}

/** Changes when results are lost or cut off. */
function describeResults(mode) {
  const isResult = path => /\.(js|d\.ts)$/.test(path);
  const files = projectFolders(mode).flatMap(folder => listFiles(join(folder, 'dist'), isResult));
  return fingerprint(files, ({ size }) => String(size));
}

function fingerprint(files, describe) {
  const hash = createHash('sha256');
  for (const file of files.sort()) {
    hash.update(`${relative(rootDir, file)} ${describe(statSync(file))}\n`);
  }
  return hash.digest('hex');
}

/** The folders of a project and of all that it refers to. */
function projectFolders(mode) {
  const folders = new Set();
  const visit = (folder, file) => {
    // A reference to nowhere is for the compiler to tell.
    if (!folders.has(folder) && existsSync(join(folder, file))) {
      folders.add(folder);
      for (const { path } of readJson(join(folder, file)).references ?? []) {
        visit(join(folder, path), 'tsconfig.json');
      }
    }
  };
  const entry = join(rootDir, entryProjects[mode]);
  visit(join(entry, '..'), entryProjects[mode].split('/').at(-1));
  folders.delete(rootDir.replace(/[\\/]$/, ''));
  return [...folders];
}
