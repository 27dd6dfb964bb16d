// `npm run bench:server`: installs and builds what is needed, then runs a server to measure in this process.
import './lib/nodeVersion.mjs';

const { UsageError } = await import('../test/bench/usage.mjs');
const { readServerOptions, serverHelp } = await import('../test/bench/serverOptions.mjs');
const { main } = await import('./lib/run.mjs');

await main(async () => {
  try {
    const options = readServerOptions(process.argv.slice(2), process.env);
    if (options.help) {
      console.log(serverHelp);
      return 0;
    }
    const { setUp } = await import('./lib/setup.mjs');
    await setUp({ install: 'run', build: 'run' });
    const { serve } = await import('../test/bench/serve.mjs');
    await serve(options);
  } catch (error) {
    if (!(error instanceof UsageError)) {
      throw error;
    }
    console.error(`${error.message}\nTry --help.`);
    process.exit(2);
  }
});
