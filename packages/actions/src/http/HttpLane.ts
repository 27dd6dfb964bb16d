import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServiceFactory, createServiceRef } from '@backstage/backend-plugin-api';

/** A request with what Express would have found out about it. */
export interface LaneRequest extends IncomingMessage {
  originalUrl: string;
  ip: string | undefined;
  hostname: string | undefined;
  get(header: string): string | undefined;
}

/**
 * A way for programs past the middleware that all routes of a backend have in common, which is for
 * browsers: those POST requests that come without an `Origin` and to exactly the path of a handler.
 * Whatever else comes takes the plugin's own routes, which must therefore serve the same.
 */
export interface HttpLane {
  /** @param path - from the root of the server, such as `/api/mcp-actions/v1`. */
  serve(path: string, handler: (req: LaneRequest, res: ServerResponse) => Promise<void>): void;
}

/** Where the HTTP server of the host has no lane, nothing comes through it. */
export const httpLaneServiceRef = createServiceRef<HttpLane>({
  id: 'callboard.httpLane',
  scope: 'root',
  defaultFactory: async service =>
    createServiceFactory({ service, deps: {}, factory: (): HttpLane => ({ serve: () => {} }) }),
});
