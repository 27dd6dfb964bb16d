import { coreServices, createServiceFactory, type LoggerService } from '@backstage/backend-plugin-api';
import { type Alert, type AlertSink, type AlertsService, alertsServiceRef } from '@callboard/actions-api';

/** Logs alerts and passes them on to whoever delivers them. */
export class Alerts implements AlertsService {
  readonly #logger: LoggerService;
  readonly #now: () => Date;
  readonly #sinks: AlertSink[] = [];

  constructor(options: { logger: LoggerService; now?: () => Date }) {
    this.#logger = options.logger;
    this.#now = options.now ?? (() => new Date());
  }

  addSink(sink: AlertSink): void {
    if (this.#sinks.some(({ id }) => id === sink.id)) {
      throw new Error(`There is an alert sink "${sink.id}" already`);
    }
    this.#sinks.push(sink);
  }

  raise({ event, message, details }: Omit<Alert, 'time'>): void {
    const alert: Alert = { event, time: this.#now().toISOString(), message, details };
    this.#logger.warn(message, { ...details, isAlert: true, alertEvent: event });
    for (const sink of this.#sinks) {
      try {
        sink.receive(alert);
      } catch (error) {
        this.#logger.error(`The alert sink "${sink.id}" failed`, error as Error);
      }
    }
  }
}

export const alertsServiceFactory = createServiceFactory({
  service: alertsServiceRef,
  deps: { logger: coreServices.rootLogger },
  factory: ({ logger }) => new Alerts({ logger }),
});
