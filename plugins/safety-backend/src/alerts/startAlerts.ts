import type {
  HttpAuthService,
  HttpRouterService,
  LifecycleService,
  LoggerService,
  PermissionsRegistryService,
} from '@backstage/backend-plugin-api';
import type { ActionsRegistryService, AlertsService, AuditTrailsService } from '@callboard/actions-api';
import { guardedRequest } from '@callboard/outbound-http';
import type { Knex } from 'knex';
import type { Operators } from '../Operators.js';
import { AlertOutbox } from './AlertOutbox.js';
import { AlertStore } from './AlertStore.js';
import { createAlertsRouter } from './alertsRouter.js';
import type { Webhook } from './config.js';
import { DeliveryStore } from './DeliveryStore.js';
import { getAlerts } from './getAlerts.js';
import { Metrics } from './Metrics.js';
import { alertsReadPermission } from './permissions.js';
import { WebhookDeliveries } from './WebhookDeliveries.js';

const DAY_MS = 86_400_000;
const KEPT_MS = 30 * DAY_MS;
const MAX_KEPT = 10_000;
/** Such as those for webhooks that are not configured any more. */
const MAX_WAIT_MS = 7 * DAY_MS;
const POLL_MS = 5_000;
const PRUNE_MS = 3_600_000;
const GRACE_MS = 3_000;

/** What takes alerts from the start of the process on. */
export interface CollectedAlerts {
  readonly outbox: AlertOutbox;
  readonly metrics: Metrics;
}

export function collectAlerts(options: {
  alerts: AlertsService;
  logger: LoggerService;
  now: () => Date;
}): CollectedAlerts {
  const { alerts, logger, now } = options;
  const collected = { outbox: new AlertOutbox({ logger, now }), metrics: new Metrics() };
  alerts.addSink(collected.outbox);
  alerts.addSink(collected.metrics);
  return collected;
}

/** Keeps the collected alerts, sends them to webhooks, and tells who asks. */
export async function startAlerts(options: {
  collected: CollectedAlerts;
  webhooks: readonly Webhook[];
  metricsArePublic: boolean;
  db: Knex;
  trails: AuditTrailsService;
  operators: Operators;
  actionsRegistry: ActionsRegistryService;
  httpAuth: HttpAuthService;
  httpRouter: HttpRouterService;
  lifecycle: LifecycleService;
  permissionsRegistry: PermissionsRegistryService;
  logger: LoggerService;
  now: () => Date;
}): Promise<void> {
  const { collected, webhooks, metricsArePublic, db, logger, now } = options;
  const { outbox, metrics } = collected;
  const store = new AlertStore({ db });
  const waiting = new DeliveryStore({ db });
  const deliveries = new WebhookDeliveries({
    webhooks,
    store: waiting,
    request: guardedRequest,
    logger,
    now,
    random: Math.random,
    count: result => metrics.countDelivery(result),
  });
  await outbox.open({
    db,
    alerts: store,
    deliveries: waiting,
    webhooks,
    onSaved: () => void deliveries.deliverDue(),
    onDropped: count => metrics.countDelivery('dropped', count),
  });

  const look = async () => {
    await outbox.save();
    await deliveries.deliverDue();
  };
  const prune = async () => {
    try {
      const nowMs = now().getTime();
      await store.prune({ before: new Date(nowMs - KEPT_MS).toISOString(), most: MAX_KEPT });
      const purged = await waiting.purge(nowMs - MAX_WAIT_MS);
      if (purged > 0) {
        metrics.countDelivery('dropped', purged);
        logger.error(`Alerts not sent, because they have waited for their webhooks for 7 days: ${purged}`);
      }
    } catch (error) {
      logger.warn(`Old alerts cannot be removed: ${error}`);
    }
  };
  const timers = [setInterval(() => void look(), POLL_MS), setInterval(() => void prune(), PRUNE_MS)];
  for (const timer of timers) {
    timer.unref();
  }
  options.lifecycle.addShutdownHook(async () => {
    timers.forEach(clearInterval);
    await outbox.save();
    await deliveries.stop(GRACE_MS);
  });
  await prune();
  void look();

  options.trails.add(metrics.createTrail());
  options.permissionsRegistry.addPermissions([alertsReadPermission]);
  options.actionsRegistry.register(getAlerts({ store }));
  const { operators, httpAuth, httpRouter } = options;
  if (metricsArePublic) {
    httpRouter.addAuthPolicy({ path: '/v1/metrics', allow: 'unauthenticated' });
  }
  httpRouter.use(createAlertsRouter({ store, metrics, metricsArePublic, operators, httpAuth }));
}
