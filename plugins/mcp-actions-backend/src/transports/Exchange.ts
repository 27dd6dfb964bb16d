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
