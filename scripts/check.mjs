// `yarn check`: everything that can be said about the code without running it.
import './lib/nodeVersion.mjs';

const { main, run, runTool } = await import('./lib/run.mjs');
const { setUp } = await import('./lib/setup.mjs');

const checks = [
  ['Format and lint', () => runTool('@biomejs/biome', 'biome', ['check', '.'])],
  ['Types', () => runTool('typescript', 'tsc', ['-p', 'tsconfig.json', '--noEmit'])],
  ['Import directions', () => run(process.execPath, ['scripts/import-rules.mjs'])],
  ['Public API reports', () => run(process.execPath, ['scripts/api-reports.mjs', '--check'])],
];

await main(async () => {
  await setUp({ install: 'full' });
  const results = [];
  for (const [title, check] of checks) {
    console.log(`\n── ${title}`);
    results.push({ title, status: await check() });
  }
  console.log('\n── Summary');
  for (const { title, status } of results) {
    console.log(`${status === 0 ? 'ok    ' : 'FAILED'}  ${title}`);
  }
  return results.some(({ status }) => status !== 0) ? 1 : 0;
});
