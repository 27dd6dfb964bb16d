import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { listFiles, listPackageFolders, readJson } from './paths.mjs';

const contracts = ['@callboard/actions-api'];
const actions = [...contracts, '@callboard/actions'];
const host = [...actions, '@callboard/backend-defaults'];

/** Which packages of this repository each may import. Folders that are not listed may import all of them. */
const allowedImports = {
  'packages/actions-api': [],
  'packages/outbound-http': [],
  'packages/pages': [],
  'packages/cli': [],
  'packages/actions': contracts,
  'packages/backend-defaults': actions,
  'packages/test-utils': host,
  'plugins/mcp-actions-backend': [...actions, '@callboard/pages'],
  'plugins/*': [...contracts, '@callboard/outbound-http', '@callboard/pages'],
  // The server is where plugins come together.
  'packages/backend': [...host, '@callboard/plugin-*'],
};

/** What these files of a package may import besides. */
const alsoAllowed = [
  { files: /^dev\//, imports: ['@callboard/backend-defaults', '@callboard/plugin-mcp-actions-backend'] },
  {
    files: /^src\/(.*\/)?testing\/|\.test\.ts$/,
    // The auth plugin, because people sign in there before they see the pages of others.
    imports: ['@callboard/test-utils', '@callboard/backend-defaults', '@callboard/plugin-auth-backend'],
  },
  // The command line knows nothing of servers but what they say; its tests talk to real ones.
  { folder: 'packages/cli', files: /^src\/testing\/|\.test\.ts$/, imports: ['@callboard/plugin-*'] },
];

/** Files that are not part of what is published, and may use development dependencies. */
const isDevelopmentFile = /^dev\/|^src\/(.*\/)?testing\/|\.test\.ts$/;

/**
 * Finds imports that go the wrong way.
 *
 * @param {string} rootDir
 * @returns {{ file: string, imports: string, reason: string }[]}
 */
export function findForbiddenImports(rootDir) {
  const packages = listPackageFolders(rootDir).map(folder => ({
    folder,
    manifest: readJson(join(rootDir, folder, 'package.json')),
  }));
  return packages.flatMap(({ folder, manifest }) =>
    listFiles(join(rootDir, folder), path => /\.[cm]?[jt]s$/.test(path) && !path.endsWith('.d.ts'))
      .filter(path => isOwnFile(path, rootDir, folder, packages))
      .flatMap(path => {
        const file = relative(join(rootDir, folder), path).split(sep).join('/');
        return readImports(path).flatMap(specifier => {
          const reason = findReason({ rootDir, folder, manifest, path, file, specifier });
          return reason ? [{ file: `${folder}/${file}`, imports: specifier, reason }] : [];
        });
      }),
  );
}

/** A package inside another one's folder, such as test/compat in test, is looked at by itself. */
function isOwnFile(path, rootDir, folder, packages) {
  return !packages.some(
    other => other.folder.startsWith(`${folder}/`) && path.startsWith(join(rootDir, other.folder) + sep),
  );
}

function findReason({ rootDir, folder, manifest, path, file, specifier }) {
  if (specifier.startsWith('.')) {
    const target = relative(join(rootDir, folder), join(dirname(path), specifier));
    return target.startsWith('..') && !folder.startsWith('test') ? 'leaves its package' : undefined;
  }
  if (specifier.startsWith('node:') || builtinModules.includes(specifier)) {
    return undefined;
  }
  const name = packageOf(specifier);
  if (name === manifest.name) {
    return undefined;
  }
  if (name.startsWith('@callboard/') && !isAllowed(folder, file, name)) {
    return `is not for ${isDevelopmentFile.test(file) ? 'tests and dev/ of ' : ''}${folder}`;
  }
  return isDeclared(rootDir, folder, manifest, file, name) ? undefined : `is not declared in ${folder}/package.json`;
}

function isAllowed(folder, file, name) {
  const rule = Object.keys(allowedImports).find(pattern => matches(pattern, folder));
  if (rule === undefined) {
    return true;
  }
  const extra = alsoAllowed.flatMap(({ folder: only = folder, files, imports }) =>
    only === folder && files.test(file) ? imports : [],
  );
  return [...allowedImports[rule], ...extra].some(pattern => matches(pattern, name));
}

/** Test runner and types come with the root package. */
function isDeclared(rootDir, folder, manifest, file, name) {
  const development = isDevelopmentFile.test(file) || folder.startsWith('test');
  const root = development ? readJson(join(rootDir, 'package.json')).devDependencies : {};
  const declared = {
    ...manifest.dependencies,
    ...manifest.peerDependencies,
    ...(development && { ...manifest.devDependencies, ...root }),
  };
  return name in declared || (`@types/${name}` in declared && !existsSync(join(rootDir, 'node_modules', name)));
}

function matches(pattern, value) {
  return pattern.endsWith('*') ? value.startsWith(pattern.slice(0, -1)) : value === pattern;
}

function packageOf(specifier) {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Static, dynamic and type imports, re-exports and require; strings in comments and templates do not count. */
function readImports(path) {
  const source = keepCode(readFileSync(path, 'utf8'));
  const patterns = [
    /(?:^|[\n;}])\s*(?:import|export)\s[^'"`;]*?\bfrom\s*['"]([^'"\n]+)['"]/g,
    /(?:^|[\n;}])\s*import\s*['"]([^'"\n]+)['"]/g,
    /\b(?:import|require|require\.resolve)\s*\(\s*['"]([^'"\n]+)['"]/g,
  ];
  return [...new Set(patterns.flatMap(pattern => [...source.matchAll(pattern)].map(match => match[1])))];
}

/** Leaves code and strings that could name a module. */
function keepCode(source) {
  return source.replace(
    /`(?:\\.|[^`\\])*`|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    token => (/^['"][^\s()'"]+['"]$/.test(token) ? token : ' '),
  );
}
