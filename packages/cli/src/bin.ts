#!/usr/bin/env node
import { homedir } from 'node:os';
import { protectStdout, protectStdoutDescriptor } from './bridge/protectStdout.js';
import { describeCause } from './errors.js';
import { run } from './run.js';

const args = process.argv.slice(2);
// Where a title takes the place of the arguments, it hides a token that is among them.
process.title = 'callboard';

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => stopping.abort());
}
function tell(error: unknown): void {
  const text = args.includes('--debug') && error instanceof Error ? error.stack : describeCause(error);
  process.stderr.write(`callboard: unexpected: ${text}\n`);
}
// One message that went wrong does not end a bridge. A backend in this process has rules of its own.
process.on('unhandledRejection', error => {
  if (process.listenerCount('unhandledRejection') === 1) {
    tell(error);
  }
});
process.on('uncaughtException', error => {
  if (process.listenerCount('uncaughtException') === 1) {
    tell(error);
    process.exitCode = 1;
    stopping.abort();
  }
});

// Whoever reads has heard enough, as `head` does.
process.stdout.on('error', () => stopping.abort());
// Nobody hears what is said beside the results; to say so would be said there, too, without end.
process.stderr.on('error', () => {});

const exitCode = await run(args, {
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  takeStdout: others => {
    const output = protectStdout({ others });
    protectStdoutDescriptor();
    return output;
  },
  stderr: process.stderr,
  platform: process.platform,
  cwd: process.cwd(),
  homeDir: homedir(),
  now: Date.now,
  stopSignal: stopping.signal,
});
process.exitCode ||= exitCode;
// A reader that is slow gets everything; standard input, which may still be open, is of no more use.
await new Promise<void>(resolve => process.stdout.write('', () => resolve()));
process.exit();
