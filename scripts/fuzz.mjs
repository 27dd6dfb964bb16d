// `npm run fuzz`: installs what is needed, then looks for input that the product cannot bear.
// Arguments go to the fuzzer: npm run fuzz -- --help
import './lib/nodeVersion.mjs';

const { main, run } = await import('./lib/run.mjs');
const { setUp } = await import('./lib/setup.mjs');

await main(async () => {
  await setUp({ install: 'full', build: 'full' });
  const { bundleFuzzer } = await import('../test/fuzz/bundle.mjs');
  const { path, remove } = await bundleFuzzer();
  try {
    return await run(process.execPath, ['--enable-source-maps', path, ...process.argv.slice(2)], {
      env: { ...process.env, NODE_ENV: 'test' },
    });
  } finally {
    remove();
  }
});
