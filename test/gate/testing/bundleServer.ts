import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const entry = fileURLToPath(new URL('./killedServer.ts', import.meta.url));
// Below `node_modules`, so that what is not bundled is found from there.
const cache = fileURLToPath(new URL('../../../node_modules/.cache/', import.meta.url));

/** Large, and of no use to a server whose configuration is given. */
const unused = ['@backstage/config-loader', '@azure/identity', 'infinispan'];
const UNUSED = '\0unused';

/** Runs the server from code that one of them has compiled, and kept when it got SIGUSR2. */
const start = `
const { readFileSync, existsSync, writeFileSync } = require('node:fs');
const { createRequire, wrap } = require('node:module');
const { constants, Script } = require('node:vm');
const filename = require('node:path').join(__dirname, 'server.cjs');
const kept = filename + '.compiled';
const cachedData = existsSync(kept) ? readFileSync(kept) : undefined;
const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
const script = new Script(wrap(readFileSync(filename, 'utf8')), { filename, cachedData, importModuleDynamically });
const module_ = { exports: {} };
script.runInThisContext().call(module_.exports, module_.exports, createRequire(filename), module_, filename, __dirname);
process.on('SIGUSR2', () => {
  writeFileSync(kept, script.createCachedData());
  process.stdout.write('kept\\n');
});
`;

// Names stay as they are: Backstage tells errors apart by them.
const minify = { mangle: false, compress: false } as const;

/** Makes one file of the server and all that it stands on, which loads in a fraction of the time. */
export async function bundleServer(): Promise<{ path: string; remove(): void }> {
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, 'callboard-gate-'));
  const bundle = await rolldown({
    input: entry,
    platform: 'node',
    logLevel: 'silent',
    resolve: { conditionNames: ['@callboard/source', 'node', 'default'] },
    // Native, or asked for only by databases and caches that are not in use here.
    external: [/^(better-sqlite3|pg|pg-.*|mysql2?|oracledb|tedious|sqlite3|mariadb)(\/|$)/, /\.node$/],
    plugins: [
      {
        name: 'leave-out',
        resolveId(source, _importer, { kind }) {
          if (unused.includes(source)) {
            return UNUSED;
          }
          return kind === 'dynamic-import' && !source.startsWith('.') ? { id: source, external: true } : null;
        },
        load: id => (id === UNUSED ? 'module.exports = {};' : null),
      },
      {
        name: 'files-stay-where-they-are',
        transform(code, id) {
          return code.includes('import.meta.url')
            ? code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href))
            : null;
        },
      },
    ],
  });
  await bundle.write({ file: join(directory, 'server.cjs'), format: 'cjs', codeSplitting: false, minify });
  await bundle.close();
  const path = join(directory, 'start.cjs');
  writeFileSync(path, start);
  return { path, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
