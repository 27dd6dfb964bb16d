// `npm start`: installs and builds what is needed, then runs the server in this process.
// Arguments go to the server: npm start -- --config app-config.yaml --config mine.yaml
import './lib/nodeVersion.mjs';

const { default: module } = await import('node:module');
const { join } = await import('node:path');
const { rootDir } = await import('./lib/paths.mjs');
const { main } = await import('./lib/run.mjs');
const { setUp } = await import('./lib/setup.mjs');

await main(async () => {
  await setUp({ install: 'run', build: 'run' });

  // From Node 22 on, compiled code is kept, and loading takes a third less.
  module.enableCompileCache?.(join(rootDir, 'node_modules/.cache/compile'));
  performance.mark('callboard-start');
  await import('../packages/backend/dist/index.js');
});
