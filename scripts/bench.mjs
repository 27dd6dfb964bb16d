// `npm run bench`: installs and builds what is needed, then measures. What and how: npm run bench -- --help
import './lib/nodeVersion.mjs';

const { benchHelp, readBenchOptions } = await import('../test/bench/options.mjs');
const { UsageError } = await import('../test/bench/usage.mjs');
const { stopWithParent } = await import('./lib/parentWatch.mjs');
const { ScriptError } = await import('./lib/run.mjs');

/** @returns The exit code: 0 if each target that was measured is met, 1 if one is missed. */
async function bench() {
  const options = readBenchOptions(process.argv.slice(2));
  if (options.help) {
    console.log(benchHelp);
    return 0;
  }
  const { setUp } = await import('./lib/setup.mjs');
  await setUp({ install: 'full', build: 'full' });
  const { main } = await import('../test/bench/main.mjs');
  return main(options);
}

stopWithParent();
try {
  process.exitCode = await bench();
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`${error.message}\nTry --help.`);
  } else {
    console.error(error instanceof ScriptError ? `\n${error.message}\n` : error);
  }
  // What has been started so far may keep the process up.
  process.exit(2);
}
