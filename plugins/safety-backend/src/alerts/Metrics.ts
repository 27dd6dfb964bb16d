import { type AlertEvent, type AlertSink, type AuditTrail, alertEvents } from '@callboard/actions-api';
import type { DeliveryResult } from './WebhookDeliveries.js';

const deliveryResults: readonly DeliveryResult[] = ['delivered', 'failed', 'given_up', 'dropped'];

const counters = {
  callboard_alerts_total: { help: 'Alerts raised', labelNames: ['event'] },
  callboard_webhook_deliveries_total: {
    help: 'Attempts to send alerts to webhooks that succeeded or failed, and messages that were given up or dropped',
    labelNames: ['result'],
  },
  callboard_calls_total: {
    help: 'Calls of actions that were let through or refused',
    labelNames: ['decision', 'effect', 'door'],
  },
};

interface Count {
  readonly name: keyof typeof counters;
  readonly labels: Record<string, string>;
  value: number;
}

/** What Prometheus asks for; of this process only. */
export class Metrics implements AlertSink {
  readonly id = 'safety.metrics';
  /** By name and values of labels. */
  readonly #counts = new Map<string, Count>();

  constructor() {
    // A counter that is there from the start shows its first increase.
    for (const event of alertEvents) {
      this.#add('callboard_alerts_total', { event }, 0);
    }
    for (const result of deliveryResults) {
      this.#add('callboard_webhook_deliveries_total', { result }, 0);
    }
  }

  receive({ event }: { event: AlertEvent }): void {
    this.#add('callboard_alerts_total', { event });
  }

  countDelivery(result: DeliveryResult, count = 1): void {
    this.#add('callboard_webhook_deliveries_total', { result }, count);
  }

  /** Counts calls, and keeps none from running. */
  createTrail(): AuditTrail {
    const count: AuditTrail['refuse'] = async ({ decision, effect = 'unknown', door }) =>
      this.#add('callboard_calls_total', { decision, effect, door });
    return {
      id: 'metrics',
      async begin(call) {
        await count(call, { durationMs: 0, error: undefined });
        return { async finish() {} };
      },
      refuse: count,
    };
  }

  /** All counters, as Prometheus reads them. */
  async print(): Promise<{ contentType: string; text: string }> {
    // Loaded when somebody asks: counting does not take it.
    const { Counter, Registry } = await import('prom-client');
    const registry = new Registry();
    for (const [name, { help, labelNames }] of Object.entries(counters)) {
      const counter = new Counter({ name, help, labelNames, registers: [registry] });
      for (const count of this.#counts.values()) {
        if (count.name === name) {
          counter.inc(count.labels, count.value);
        }
      }
    }
    return { contentType: registry.contentType, text: await registry.metrics() };
  }

  #add(name: Count['name'], labels: Count['labels'], value = 1): void {
    const key = [name, ...Object.values(labels)].join(' ');
    const count = this.#counts.get(key);
    if (count) {
      count.value += value;
    } else {
      this.#counts.set(key, { name, labels, value });
    }
  }
}
