import { rootHttpRouterServiceFactory as stockFactory } from '@backstage/backend-defaults/rootHttpRouter';

/** How long requests that are being answered may hold up a stop. */
const drainMs = 3_000;

/** Backstage's HTTP server; streams that clients keep open do not keep it from stopping. */
export const rootHttpRouterServiceFactory = stockFactory({
  configure({ applyDefaults, lifecycle, server }) {
    applyDefaults();
    lifecycle.addShutdownHook(() => {
      setTimeout(() => server.closeAllConnections(), drainMs).unref();
    });
  },
});
