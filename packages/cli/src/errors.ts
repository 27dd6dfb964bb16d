/** What the command ends with. */
export const exitCodes = {
  ok: 0,
  /** A tool or a call failed; an explanation says no. */
  failed: 1,
  /** The command line or a file that it names is wrong. */
  usage: 2,
  /** The server does not answer. */
  unreachable: 3,
  /** Not signed in, or not allowed. */
  notAllowed: 4,
  /** A person has to approve first. */
  approvalPending: 5,
  /** An explanation that goes by what only a real call has. */
  depends: 6,
  /** Stopped from outside, as shells say it. */
  interrupted: 130,
} as const;

/** A failure that is explained to whoever runs the command. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(message: string, options: { exitCode: number; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.exitCode = options.exitCode;
  }
}

export class UsageError extends CliError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, exitCode: exitCodes.usage });
  }
}

export class UnreachableError extends CliError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, exitCode: exitCodes.unreachable });
  }
}

export class NotAllowedError extends CliError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, exitCode: exitCodes.notAllowed });
  }
}

/** The message of an error with the reasons behind it, which `fetch` hides in the cause. */
export function describeCause(thrown: unknown): string {
  const messages: string[] = [];
  let error = thrown;
  // Bounded, because causes may go in a circle.
  for (let depth = 0; depth < 5 && error !== undefined && error !== null; depth += 1) {
    const { message, code, cause, errors } = error as NodeJS.ErrnoException & { cause?: unknown; errors?: unknown[] };
    const text = message || code || '';
    if (text && !messages.some(earlier => earlier.includes(text))) {
      messages.push(text);
    }
    error = cause ?? errors?.[0];
  }
  return messages.join(': ') || String(thrown);
}
