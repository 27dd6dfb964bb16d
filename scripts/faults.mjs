// `npm run test:faults`: installs and builds what is needed, then breaks things under load. npm run test:faults -- --help
import './lib/nodeVersion.mjs';

const { stopWithParent } = await import('./lib/parentWatch.mjs');
const { ScriptError } = await import('./lib/run.mjs');

/** @returns The exit code: 0 if nothing was lost, run twice or otherwise wrong, 1 if something was. */
async function faults() {
  const { setUp } = await import('./lib/setup.mjs');
  await setUp({ install: 'full', build: 'full' });
  const { faultsHelp, readFaultsOptions } = await import('../test/faults/options.mjs');
  const { UsageError } = await import('../test/bench/usage.mjs');
  let options;
  try {
    options = readFaultsOptions(process.argv.slice(2));
  } catch (error) {
    throw error instanceof UsageError ? new ScriptError(`${error.message}\nTry --help.`) : error;
  }
  if (options.help) {
    console.log(faultsHelp);
    return 0;
  }
  const { main } = await import('../test/faults/main.mjs');
  return main(options);
}

stopWithParent();
let status = 2;
try {
  status = await faults();
} catch (error) {
  console.error(error instanceof ScriptError ? `\n${error.message}\n` : error);
}
// What has been started may keep the process up.
process.exit(status);
