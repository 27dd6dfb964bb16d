import { type AlertEvent, type AlertSink, type AuditTrail, alertEvents } from '@callboard/actions-api';
import { Counter, Registry } from 'prom-client';
import type { DeliveryResult } from './WebhookDeliveries.js';

const deliveryResults: readonly DeliveryResult[] = ['delivered', 'failed', 'given_up', 'dropped'];

/** What Prometheus asks for; of this process only. */
export class Metrics implements AlertSink {
  readonly id = 'safety.metrics';
  readonly #registry = new Registry();
  readonly #alerts = new Counter({
    name: 'callboard_alerts_total',
    help: 'Alerts raised',
    labelNames: ['event'],
    registers: [this.#registry],
  });
  readonly #deliveries = new Counter({
    name: 'callboard_webhook_deliveries_total',
    help: 'Attempts to send alerts to webhooks that succeeded or failed, and messages that were given up or dropped',
    labelNames: ['result'],
    registers: [this.#registry],
  });
  readonly #calls = new Counter({
    name: 'callboard_calls_total',
    help: 'Calls of actions that were let through or refused',
    labelNames: ['decision', 'effect', 'door'],
    registers: [this.#registry],
  });

  constructor() {
    // A counter that is there from the start shows its first increase.
    for (const event of alertEvents) {
      this.#alerts.inc({ event }, 0);
    }
    for (const result of deliveryResults) {
      this.#deliveries.inc({ result }, 0);
    }
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  receive({ event }: { event: AlertEvent }): void {
    this.#alerts.inc({ event });
  }

  countDelivery(result: DeliveryResult, count = 1): void {
    this.#deliveries.inc({ result }, count);
  }

  /** Counts calls, and keeps none from running. */
  createTrail(): AuditTrail {
    const count: AuditTrail['refuse'] = async ({ decision, effect = 'unknown', door }) =>
      this.#calls.inc({ decision, effect, door });
    return {
      id: 'metrics',
      async begin(call) {
        await count(call, { durationMs: 0, error: undefined });
        return { async finish() {} };
      },
      refuse: count,
    };
  }

  print(): Promise<string> {
    return this.#registry.metrics();
  }
}
