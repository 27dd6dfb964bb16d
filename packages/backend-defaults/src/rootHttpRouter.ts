import { rootHttpRouterServiceFactory as stockFactory } from '@backstage/backend-defaults/rootHttpRouter';
import { coreServices, createServiceFactory, type ServiceFactory } from '@backstage/backend-plugin-api';
import { httpLaneServiceRef } from '@callboard/actions';
import { drainingServer } from './drainingServer.js';
import { FrontLane } from './FrontLane.js';

/**
 * Backstage's HTTP server, with a lane in front of it; calls have time to end when it stops,
 * and streams that clients keep open do not hold it up.
 */
export function httpServiceFactories(): ServiceFactory[] {
  const lane = new FrontLane();
  const draining = drainingServer();
  return [
    draining.factory,
    createServiceFactory({
      service: httpLaneServiceRef,
      deps: { lifecycle: coreServices.rootLifecycle },
      factory({ lifecycle }) {
        lifecycle.addStartupHook(() => lane.open());
        lifecycle.addBeforeShutdownHook(() => lane.close());
        return lane;
      },
    }),
    stockFactory({
      configure({ app, applyDefaults, config, middleware, routes, server }) {
        draining.hold({ middleware, routes });
        applyDefaults();
        // Who limits the rate of all requests means these, too.
        if (!config.has('backend.rateLimit')) {
          lane.attach(server, app as unknown as Parameters<typeof lane.attach>[1]);
        }
        draining.attach(server);
      },
    }),
  ];
}
