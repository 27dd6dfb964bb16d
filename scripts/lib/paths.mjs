import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const rootDir = fileURLToPath(new URL('../../', import.meta.url));

/** @returns {any} */
export function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/**
 * The folders of all packages that the root package.json names as workspaces, relative to the root.
 *
 * @param {string} [root]
 */
export function listPackageFolders(root = rootDir) {
  return readJson(join(root, 'package.json'))
    .workspaces.flatMap(pattern => (pattern.endsWith('/*') ? listFolders(root, pattern.slice(0, -2)) : [pattern]))
    .filter(folder => existsSync(join(root, folder, 'package.json')))
    .sort();
}

function listFolders(root, parent) {
  if (!existsSync(join(root, parent))) {
    return [];
  }
  return readdirSync(join(root, parent), { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => `${parent}/${entry.name}`);
}

/** Files below a folder that pass the filter; dependencies and build results are left out. */
export function listFiles(folder, accept, skipped = ['node_modules', 'dist', 'data']) {
  if (!existsSync(folder)) {
    return [];
  }
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      return skipped.includes(entry.name) ? [] : listFiles(path, accept, skipped);
    }
    return accept(path) ? [path] : [];
  });
}
