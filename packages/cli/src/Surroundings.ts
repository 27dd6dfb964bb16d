import type { Readable, Writable } from 'node:stream';

/** What a command has to do with besides its arguments; tests bring their own. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  /**
   * Keeps standard output for a protocol; what else in the process writes there goes to `others`, or to standard
   * error, if absent.
   */
  readonly takeStdout?: (others?: Writable) => Writable;
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly platform: NodeJS.Platform;
  readonly cwd: string;
  readonly homeDir: string;
  readonly now: () => number;
  /** Ends the command early: a signal from outside. */
  readonly stopSignal?: AbortSignal;
}
