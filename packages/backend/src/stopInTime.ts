import { constants } from 'node:os';

/** What a stop takes besides its grace: ending streams, the audit trail, connections to databases. */
const CLOSING_MS = 10_000;
/** A terminal and npm may both pass on the same Ctrl+C. */
const SAME_SIGNAL_MS = 1_000;

const signals = ['SIGTERM', 'SIGINT'] as const;
type Signal = (typeof signals)[number];

/**
 * Sees to it that a process that was told to stop ends: when its time is up, or when it is told again.
 *
 * @param graceMs - what requests and calls have.
 */
export function stopInTime(options: {
  graceMs: number;
  process: Pick<NodeJS.Process, 'on' | 'off' | 'listeners' | 'exit'>;
  tell: (message: string) => void;
}): void {
  const { graceMs, process, tell } = options;
  const own = new Map<Signal, () => void>();
  let firstAtMs: number | undefined;
  const end = (message: string, status: number) => {
    tell(`${message}\n`);
    process.exit(status);
  };
  for (const signal of signals) {
    const listener = () => {
      const nowMs = performance.now();
      if (firstAtMs === undefined) {
        firstAtMs = nowMs;
        // Backstage's, which has begun the stop with this one, would end the process with the next.
        leaveAlone(process, own);
        const timeoutMs = graceMs + CLOSING_MS;
        setTimeout(() => end(`Ended: the stop took longer than ${timeoutMs} ms`, 1), timeoutMs).unref();
      } else if (nowMs - firstAtMs >= SAME_SIGNAL_MS) {
        end(`Ended by a second ${signal}`, 128 + constants.signals[signal]);
      }
    };
    own.set(signal, listener);
    process.on(signal, listener);
  }
}

function leaveAlone(process: Pick<NodeJS.Process, 'listeners' | 'off'>, own: ReadonlyMap<Signal, () => void>): void {
  for (const [signal, listener] of own) {
    for (const other of process.listeners(signal).filter(each => each !== listener)) {
      process.off(signal, other);
    }
  }
}
