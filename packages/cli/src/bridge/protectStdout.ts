import { Writable } from 'node:stream';

/**
 * Keeps standard output for the protocol: what anything else in this process writes there goes to
 * standard error.
 *
 * @returns the way to standard output.
 */
export function protectStdout({ stdout, stderr }: Pick<NodeJS.Process, 'stdout' | 'stderr'> = process): Writable {
  const write = stdout.write.bind(stdout) as (chunk: Buffer, done: (error?: Error | null) => void) => boolean;
  const protectedWrite = stderr.write.bind(stderr);
  Object.assign(stdout, { write: protectedWrite });
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => void write(chunk, done),
  });
  stdout.on('error', error => output.destroy(error));
  return output;
}
