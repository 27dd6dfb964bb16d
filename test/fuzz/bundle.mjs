import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const entry = fileURLToPath(new URL('./main.ts', import.meta.url));
const cache = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));

const inBundle = ['@callboard/', '@oxc-project/runtime'];
const isOurs = id => id.startsWith('.') || isAbsolute(id) || inBundle.some(start => id.startsWith(start));

/**
 * Makes one file of the fuzzer and the product, from its sources: a test runner would slow down each call of theirs.
 * What is from elsewhere stays where it is.
 *
 * @returns {Promise<{ path: string, remove(): void }>}
 */
export async function bundleFuzzer() {
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, 'callboard-fuzz-'));
  const path = join(directory, 'fuzz.mjs');
  const bundle = await rolldown({
    input: entry,
    platform: 'node',
    logLevel: 'warn',
    resolve: {
      conditionNames: ['@callboard/source', 'node', 'import', 'default'],
      extensionAlias: { '.js': ['.ts', '.js'] },
    },
    external: id => !isOurs(id),
    plugins: [
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
  // Errors are told apart by the names of their classes.
  await bundle.write({ file: path, format: 'esm', codeSplitting: false, minify: false, keepNames: true });
  await bundle.close();
  return { path, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
