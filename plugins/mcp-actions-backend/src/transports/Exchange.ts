import type { Request, Response } from 'express';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import type { RequestContext } from '../protocol/RequestContext.js';

/** One authenticated HTTP request to one of the servers, with its body read. */
export interface Exchange {
  readonly req: Request;
  readonly res: Response;
  readonly server: PublishedServer;
  readonly context: RequestContext;
  /** The parsed JSON body; undefined for requests without one. */
  readonly body: unknown;
}

/** Aborted when the client goes away before it has been answered. */
export function disconnectSignal(res: Response): AbortSignal {
  const controller = new AbortController();
  res.once('close', () => {
    if (!res.writableFinished) {
      controller.abort();
    }
  });
  return controller.signal;
}
