// `yarn start` in a plugin's folder: builds what is needed and runs that plugin alone, with its dev/index.ts.
//
// Node 20 cannot run TypeScript, so dev/ is compiled to .stamps/dev/. It has to import the plugin by the name
// of its package, as other backends do, and not by ../src.
import './lib/nodeVersion.mjs';

const { existsSync, mkdirSync, writeFileSync } = await import('node:fs');
const { join, relative } = await import('node:path');
const { pathToFileURL } = await import('node:url');
const { rootDir } = await import('./lib/paths.mjs');
const { main, runTool, ScriptError } = await import('./lib/run.mjs');
const { setUp } = await import('./lib/setup.mjs');

await main(async () => {
  const sources = join(process.cwd(), 'dev');
  if (!existsSync(join(sources, 'index.ts'))) {
    throw new ScriptError(`${join(sources, 'index.ts')}: expected the file that runs this plugin alone`);
  }
  await setUp({ install: 'full', build: 'full' });
  const entry = await compile(sources);
  performance.mark('callboard-start');
  await import(pathToFileURL(entry).href);
});

/** @returns the path of the compiled index.ts. */
async function compile(sources) {
  const results = join(rootDir, '.stamps/dev', relative(rootDir, process.cwd()));
  mkdirSync(results, { recursive: true });
  const settings = {
    extends: join(rootDir, 'tsconfig.base.json'),
    compilerOptions: { rootDir: sources, outDir: results, sourceMap: true, customConditions: [] },
    include: [sources],
  };
  writeFileSync(join(results, 'tsconfig.json'), JSON.stringify(settings));
  const status = await runTool('typescript', 'tsc', ['-p', results]);
  if (status !== 0) {
    throw new ScriptError(`${sources} cannot be compiled; the messages of the TypeScript compiler are above.`);
  }
  return join(results, 'index.js');
}
