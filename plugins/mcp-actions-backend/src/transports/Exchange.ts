import type { ServerResponse } from 'node:http';
import type { HttpRequest } from '../HttpRequest.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import type { RequestContext } from '../protocol/RequestContext.js';

/** One authenticated HTTP request to one of the servers, with its body read. */
export interface Exchange {
  readonly req: HttpRequest;
  readonly res: ServerResponse;
  readonly server: PublishedServer;
  readonly context: RequestContext;
  /** The parsed JSON body; undefined for requests without one. */
  readonly body: unknown;
}
