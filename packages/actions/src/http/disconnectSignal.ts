import type { ServerResponse } from 'node:http';

/** Aborted when the client goes away before it has been answered, or has gone already. */
export function disconnectSignal(res: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const abortUnlessAnswered = () => {
    if (!res.writableFinished) {
      controller.abort();
    }
  };
  if (res.closed) {
    abortUnlessAnswered();
  } else {
    res.once('close', abortUnlessAnswered);
  }
  return controller.signal;
}
