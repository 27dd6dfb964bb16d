export const MAX_ATTEMPTS = 6;
/** With a factor of 3 the sixth attempt comes about ten minutes after the first. */
const FIRST_DELAY_MS = 5_000;
const FACTOR = 3;
const JITTER = 0.2;
const MAX_RETRY_AFTER_MS = 3_600_000;
/** Of those below 500, the ones that may end differently the next time. */
const PASSING = [408, 409, 425, 429];

/** What an answer means for the message. */
export type Verdict = 'delivered' | 'retry' | 'give up';

export function judgeStatus(status: number): Verdict {
  if (status >= 200 && status < 300) {
    return 'delivered';
  }
  return status >= 500 || PASSING.includes(status) ? 'retry' : 'give up';
}

/**
 * How long to wait after a failed attempt: longer each time, and not the same for all.
 *
 * @param options.random - from 0 to 1.
 * @param options.retryAfter - the header of the answer; a longer wait is honoured up to an hour.
 */
export function delayAfter(options: {
  attempts: number;
  random: number;
  retryAfter: string | undefined;
  now: Date;
}): number {
  const { attempts, random, retryAfter, now } = options;
  const delayMs = FIRST_DELAY_MS * FACTOR ** (attempts - 1) * (1 - JITTER + 2 * JITTER * random);
  return Math.round(Math.max(delayMs, Math.min(readRetryAfter(retryAfter, now), MAX_RETRY_AFTER_MS)));
}

/** Seconds or a date (RFC 9110 §10.2.3). */
function readRetryAfter(header: string | undefined, now: Date): number {
  if (header === undefined) {
    return 0;
  }
  if (/^\d+$/.test(header)) {
    return Number(header) * 1_000;
  }
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? 0 : atMs - now.getTime();
}
