import type { ServerResponse } from 'node:http';
import { CallAbort } from '../CallSignal.js';
import { whenClosed } from './whenClosed.js';

/** Aborted when the client goes away before it has been answered, or has gone already. */
export function abortOnDisconnect(res: ServerResponse): CallAbort {
  const abort = new CallAbort();
  const abortUnlessAnswered = () => {
    if (!res.writableFinished) {
      abort.abort();
    }
  };
  if (res.closed) {
    abortUnlessAnswered();
  } else {
    whenClosed(res, abortUnlessAnswered);
  }
  return abort;
}

/** As {@link abortOnDisconnect}, for what needs a signal of the platform's. */
export function disconnectSignal(res: ServerResponse): AbortSignal {
  return abortOnDisconnect(res).signal;
}
