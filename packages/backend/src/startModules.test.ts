import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@callboard/test-utils';
import { afterAll, beforeAll, expect, test } from 'vitest';

// The built server with the configuration that comes with it, as `npm start` runs it; `npm test` builds it first.
const server = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const rootDir = fileURLToPath(new URL('../../../', import.meta.url));

/** In 2026-11 it was 1,450. Each takes time and memory at every start. */
const MAX_FILES = 1_600;

/** What few requests need, or is there in another form: each was once a part of every start. */
const notAtStart: { what: string; name: string; files: RegExp }[] = [
  ...[
    // The OAuth endpoints and the tokens they give, from the first client on.
    'oidc-provider',
    'koa',
    // Files with schemas and their watching; configLayers.ts reads the configuration.
    '@backstage/config-loader',
    '@manypkg/get-packages',
    'ajv',
    'chokidar',
    'json-schema-merge-allof',
    // Our own logger writes the same lines.
    'winston',
    // Only where they are configured.
    '@redis/client',
    'pg',
    'mysql2',
    '@opentelemetry/api-logs',
    // The first search, the first look at metrics, the first webhook.
    'minisearch',
    'prom-client',
    'standardwebhooks',
  ].map(name => ({ what: name, name, files: new RegExp(`(^|/)node_modules/${name}/`) })),
  { what: 'jose 6, besides jose 5', name: 'jose', files: /^node_modules\/jose\// },
  { what: 'a second jose 5', name: 'jose', files: /\/plugin-auth-node\/node_modules\/jose\// },
  { what: 'zod 4 as CommonJS, besides zod 4', name: 'zod', files: /\/zod\/v4\/.*\.cjs$/ },
  {
    what: 'zod-to-json-schema as ES modules, besides CommonJS',
    name: 'zod-to-json-schema',
    files: /\/zod-to-json-schema\/dist\/esm\//,
  },
  { what: 'functions of lodash, besides lodash', name: 'lodash', files: /(^|\/)node_modules\/lodash\/(?!lodash\.js)/ },
];

let folder: string;
let loaded: string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'callboard-start-'));
  loaded = await listLoadedFiles();
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a start loads the server', () => {
  expect(loaded).toContain('packages/backend/dist/index.js');
  expect(loaded).toContain('plugins/mcp-actions-backend/dist/plugin.js');
  expect(loaded).toContain('plugins/auth-backend/dist/plugin.js');
});

test.each(notAtStart)('a start does not load $what', ({ name, files }) => {
  const found = loaded.filter(file => files.test(file));

  const importers = found.length === 0 ? [] : loaded.filter(file => imports(file, name, found[0] as string));
  expect(found, `loaded by ${importers.join(', ') || 'what is not known'}`).toEqual([]);
});

test(`a start loads at most ${MAX_FILES} files`, () => {
  const counts = new Map<string, number>();
  for (const file of loaded) {
    const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? file.split('/').slice(0, 2).join('/');
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const most = [...counts].sort(([, a], [, b]) => b - a).slice(0, 30);

  expect(loaded.length, most.map(([name, count]) => `${name} ${count}`).join(', ')).toBeLessThanOrEqual(MAX_FILES);
});

/** Starts the server, stops it when it is ready, and asks V8 what ran. */
async function listLoadedFiles(): Promise<string[]> {
  const port = await freePort();
  const data = JSON.stringify(join(folder, 'data'));
  const coverage = join(folder, 'coverage');
  const child = spawn(process.execPath, [server], {
    env: {
      PATH: process.env.PATH,
      NODE_V8_COVERAGE: coverage,
      APP_CONFIG_backend_listen_port: String(port),
      APP_CONFIG_backend_baseUrl: JSON.stringify(`http://localhost:${port}`),
      APP_CONFIG_backend_database_connection_directory: data,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const closed = once(child, 'close');
  child.stderr.on('data', chunk => {
    text += chunk;
  });
  child.stdout.on('data', chunk => {
    text += chunk;
    if (/ is ready in /.test(text)) {
      child.kill('SIGTERM');
    }
  });
  const [code] = await closed;
  if (code !== 0 || !/ is ready in /.test(text)) {
    throw new Error(`expected a server that starts and stops, got the exit status ${code} and:\n${text}`);
  }
  const scripts: { url: string }[] = readdirSync(coverage).flatMap(
    name => JSON.parse(readFileSync(join(coverage, name), 'utf8')).result,
  );
  const files = scripts.filter(({ url }) => url.startsWith('file:')).map(({ url }) => fileURLToPath(url));
  return [...new Set(files.map(file => relative(rootDir, file)))].sort();
}

/** Whether a file imports or requires a package, and gets the copy that another file is in. */
function imports(file: string, name: string, copy: string): boolean {
  const specifier = new RegExp(`(?:\\bfrom|\\bimport|\\bimport\\(|\\brequire\\()\\s*['"]${name}(?:/[^'"]*)?['"]`);
  const path = join(rootDir, file);
  const folder = findPackage(dirname(path), name);
  return (
    folder !== undefined &&
    !path.startsWith(folder) &&
    join(rootDir, copy).startsWith(folder) &&
    specifier.test(readFileSync(path, 'utf8'))
  );
}

/** The folder of a package as Node finds it from another folder. */
function findPackage(from: string, name: string): string | undefined {
  const folder = join(from, 'node_modules', name, '/');
  if (existsSync(folder)) {
    return folder;
  }
  return dirname(from) === from ? undefined : findPackage(dirname(from), name);
}
