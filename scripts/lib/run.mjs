import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { stopWithParent } from './parentWatch.mjs';
import { readJson, rootDir } from './paths.mjs';

/** Stops the script with a message for the person at the terminal, and no stack trace. */
export class ScriptError extends Error {}

/**
 * Runs a program with this terminal and waits for it. Signals that would stop the script stop the program and
 * all that it started: package managers leave compilers running otherwise.
 *
 * @returns {Promise<number>} its exit status; 128 and the signal's number if a signal ended it.
 */
export function run(command, args, { cwd = rootDir, env = process.env } = {}) {
  const ownGroup = process.platform !== 'win32';
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'], detached: ownGroup });
    let stoppedBy;
    const forward = signal => {
      stoppedBy = signal;
      process.kill(ownGroup ? -child.pid : child.pid, signal);
    };
    process.on('SIGINT', forward).on('SIGTERM', forward);
    const done = () => process.off('SIGINT', forward).off('SIGTERM', forward);
    child.once('error', error => {
      done();
      reject(new ScriptError(`Cannot run ${command}: ${error.message}`));
    });
    child.once('close', (code, signal) => {
      done();
      const ended = stoppedBy ?? signal;
      resolve(ended ? 128 + constants.signals[ended] : code);
    });
  });
}

/** Runs a command of an installed package with this Node. */
export function runTool(packageName, command, args, options) {
  const folder = join(rootDir, 'node_modules', packageName);
  const { bin } = readJson(join(folder, 'package.json'));
  const script = typeof bin === 'string' ? bin : bin[command];
  return run(process.execPath, [join(folder, script), ...args], options);
}

/** Runs a script's main function; its mistakes end up on the terminal in one piece. */
export async function main(action) {
  stopWithParent();
  try {
    const status = await action();
    if (status) {
      process.exitCode = status;
    }
  } catch (error) {
    console.error(error instanceof ScriptError ? `\n${error.message}\n` : error);
    // What has been started so far may keep the process up.
    process.exit(1);
  }
}
