import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Writable } from 'node:stream';

const STDOUT = 1;
const STDERR = 2;

/**
 * Keeps standard output for the protocol: what anything else in this process writes there goes to
 * standard error.
 *
 * @param options.others - gets that instead of standard error.
 * @returns the way to standard output.
 */
export function protectStdout({
  stdout = process.stdout,
  others = process.stderr,
}: {
  stdout?: NodeJS.WriteStream;
  others?: Writable | undefined;
} = {}): Writable {
  const write = stdout.write.bind(stdout) as (chunk: Buffer, done: (error?: Error | null) => void) => boolean;
  Object.assign(stdout, { write: others.write.bind(others) });
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => void write(chunk, done),
  });
  stdout.on('error', error => output.destroy(error));
  return output;
}

/** The same for those who write to the descriptor, as some logs do. Standard output has to be open by then. */
export function protectStdoutDescriptor(): void {
  for (const name of ['write', 'writeSync', 'writev', 'writevSync'] as const) {
    Object.assign(fs, {
      [name]: new Proxy(fs[name], {
        apply: (target, self, [descriptor, ...rest]) =>
          Reflect.apply(target, self, [descriptor === STDOUT ? STDERR : descriptor, ...rest]),
      }),
    });
  }
  syncBuiltinESMExports();
}
