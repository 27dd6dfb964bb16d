import type { Request, Router } from 'express';
import PromiseRouter from 'express-promise-router';
import type { McpRequests } from './McpRequests.js';

/** The routes of all servers, in the plugin's own router. */
export function createMcpRouter(requests: McpRequests): Router {
  const router = PromiseRouter();
  for (const path of ['/v1', '/v1/:server']) {
    for (const [suffix, endpoint] of [
      ['/sse', 'sse'],
      ['/sse/messages', 'messages'],
    ] as const) {
      router.all<string, { server?: string }>(`${path}${suffix}`, (req, res) =>
        requests.serve(withoutNext(req), res, { server: req.params.server, endpoint, path: req.path }),
      );
    }
  }
  for (const path of ['/v1', '/v1/:server']) {
    router.all<string, { server?: string }>(path, (req, res) =>
      requests.serve(withoutNext(req), res, { server: req.params.server, endpoint: 'streamable', path: req.path }),
    );
  }
  return router;
}

/** Nothing comes after these routes, and what Express remembers to go on with would stay in memory as long as a stream. */
function withoutNext(req: Request<{ server?: string }>): Request<{ server?: string }> {
  delete req.next;
  return req;
}
