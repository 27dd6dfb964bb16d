// `npm test`: installs and builds what is needed, then runs every test.
// Arguments go to vitest: npm test -- packages/actions
import './lib/nodeVersion.mjs';

const { main, runTool } = await import('./lib/run.mjs');
const { setUp } = await import('./lib/setup.mjs');

await main(async () => {
  await setUp({ install: 'full', build: 'full' });
  return runTool('vitest', 'vitest', ['run', ...process.argv.slice(2)]);
});
