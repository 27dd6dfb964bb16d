import type { IncomingMessage } from 'node:http';
import type { Request } from 'express';

/** A request as Express hands it over, and as the lane in front of Express does. */
export interface HttpRequest extends IncomingMessage {
  /** The request target as it came. */
  readonly originalUrl: string;
  /** Of the client, as far as `backend.trustProxy` lets proxies tell. */
  readonly ip?: string | undefined;
  readonly hostname?: string | undefined;
  get(header: string): string | undefined;
}

/** For Backstage's services, which use no more of a request than there is of this one. */
export function asExpressRequest(req: HttpRequest): Request {
  return req as Request;
}
