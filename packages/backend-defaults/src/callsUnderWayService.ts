import { setTimeout as delay } from 'node:timers/promises';
import { coreServices, createServiceFactory, createServiceRef } from '@backstage/backend-plugin-api';
import { auditTrailsServiceRef } from '@callboard/actions-api';
import { CallsUnderWay } from './CallsUnderWay.js';
import { readStopTimes } from './stopTimes.js';

const callsUnderWayServiceRef = createServiceRef<CallsUnderWay>({ id: 'callboard.callsUnderWay', scope: 'root' });

/** Holds a stop up until the handlers that run have ended: answers may travel on streams, which no request waits for. */
export const callsUnderWayServiceFactory = createServiceFactory({
  service: callsUnderWayServiceRef,
  deps: {
    config: coreServices.rootConfig,
    lifecycle: coreServices.rootLifecycle,
    logger: coreServices.rootLogger,
    trails: auditTrailsServiceRef,
  },
  initialization: 'always',
  factory({ config, lifecycle, logger, trails }) {
    const { delayMs, drainMs } = readStopTimes(config);
    const calls = new CallsUnderWay();
    // After the trails of all plugins: the outcome of a call is on record before it counts as over.
    lifecycle.addStartupHook(() => trails.add(calls));
    lifecycle.addBeforeShutdownHook(async () => {
      await delay(delayMs);
      const left = await calls.over({ timeoutMs: drainMs });
      if (left > 0) {
        logger.warn(`Calls that were still running after ${drainMs} ms (backend.lifecycle.drainTimeout): ${left}`);
      }
    });
    return calls;
  },
});
