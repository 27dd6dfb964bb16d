import type { CallSignal } from './CallSignal.js';

/**
 * What `work` settles to, unless `signal` is aborted before.
 *
 * @throws the signal's reason; the work goes on, and nobody hears how it ends.
 */
export async function unlessAborted<T>(work: Promise<T>, signal: CallSignal): Promise<T> {
  signal.throwIfAborted();
  let stop = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
