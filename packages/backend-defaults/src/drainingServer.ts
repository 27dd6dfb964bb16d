import type { Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import {
  coreServices,
  createServiceFactory,
  createServiceRef,
  type ServiceFactory,
} from '@backstage/backend-plugin-api';
import { HeldUntilStarted, type RequestHandler } from './HeldUntilStarted.js';
import { HttpDrain } from './HttpDrain.js';
import { readStopTimes } from './stopTimes.js';

const drainServiceRef = createServiceRef<object>({ id: 'callboard.httpDrain', scope: 'root' });

/**
 * What lets the server of one backend start and stop in order. Before all routes are there, requests for
 * them wait. When it stops, its answers send clients elsewhere, after a while it takes no connections
 * any more, and what is being answered has its time.
 */
export function drainingServer(): {
  factory: ServiceFactory;
  /** Before the middleware is put together. */
  hold(options: { middleware: { notFound(): RequestHandler }; routes: RequestHandler }): void;
  attach(server: Server): void;
} {
  const held = new HeldUntilStarted();
  let drain: HttpDrain | undefined;
  return {
    factory: createServiceFactory({
      service: drainServiceRef,
      deps: {
        config: coreServices.rootConfig,
        lifecycle: coreServices.rootLifecycle,
        logger: coreServices.rootLogger,
      },
      initialization: 'always',
      factory({ config, lifecycle, logger }) {
        const { delayMs, drainMs } = readStopTimes(config);
        lifecycle.addStartupHook(() => held.started());
        lifecycle.addBeforeShutdownHook(async () => {
          drain?.turnAway();
          await delay(delayMs);
          const left = await drain?.finishCalls({ timeoutMs: drainMs });
          if (left) {
            logger.warn(
              `Requests that were not answered within ${drainMs} ms (backend.lifecycle.drainTimeout): ${left}`,
            );
          }
        });
        return {};
      },
    }),
    hold({ middleware, routes }) {
      const notFound = middleware.notFound();
      Object.assign(middleware, { notFound: () => held.handler({ routes, notFound }) });
    },
    attach(server) {
      const attached = new HttpDrain({ server });
      attached.watch();
      drain = attached;
      // Backstage's factory calls it when the plugins have stopped; its own fails on a server that is closed already.
      Object.assign(server, { stop: () => attached.close() });
    },
  };
}
