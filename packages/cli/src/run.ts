import { CommanderError } from 'commander';
import { CliError, describeCause, exitCodes } from './errors.js';
import { createProgram } from './program.js';
import type { Surroundings } from './Surroundings.js';
import { visibleText } from './terminal/visibleText.js';

/**
 * Runs one command.
 *
 * @param args - what stands behind the name of the program.
 * @returns the exit code.
 */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const program = createProgram(surroundings);
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said what is wrong; its own code for that is 1.
      return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    }
    if (surroundings.stopSignal?.aborted) {
      return exitCodes.interrupted;
    }
    const message = describeCause(error);
    if (!(error instanceof CliError && error.message === '')) {
      surroundings.stderr.write(`callboard: ${visibleText(message)}\n`);
    }
    if (program.opts().debug || args.includes('--debug')) {
      surroundings.stderr.write(`${(error as Error).stack ?? ''}\n`);
    }
    return error instanceof CliError ? error.exitCode : exitCodes.failed;
  }
}
