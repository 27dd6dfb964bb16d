import { randomUUID } from 'node:crypto';
import type { LoggerService } from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import type { Alert, AlertSink } from '@callboard/actions-api';
import type { Knex } from 'knex';
import type { AlertStore, KeptAlert } from './AlertStore.js';
import type { Webhook } from './config.js';
import type { DeliveryStore } from './DeliveryStore.js';
import { webhookBody } from './webhookMessages.js';

const MAX_UNSAVED = 1_000;
const MAX_WAITING = 1_000;
const AT_ONCE = 100;

/** Where alerts go once there is a database. */
export interface OutboxPlaces {
  readonly db: Knex;
  readonly alerts: AlertStore;
  readonly deliveries: DeliveryStore;
  readonly webhooks: readonly Webhook[];
  /** There may be something to deliver. */
  onSaved(): void;
  /** So many messages were removed because too many waited. */
  onDropped(count: number): void;
}

/**
 * Takes alerts from the start of the process on, and puts each into the database as soon as it can,
 * together with the messages that are to be sent of it: what is there outlives the process.
 */
export class AlertOutbox implements AlertSink {
  readonly id = 'safety.outbox';
  readonly #logger: LoggerService;
  readonly #now: () => Date;
  #unsaved: KeptAlert[] = [];
  #places: OutboxPlaces | undefined;
  #saving: Promise<void> | undefined;
  #saveHasFailed = false;

  constructor(options: { logger: LoggerService; now: () => Date }) {
    this.#logger = options.logger;
    this.#now = options.now;
  }

  receive(alert: Alert): void {
    this.#unsaved.push({ id: `msg_${randomUUID()}`, ...alert });
    if (this.#unsaved.length > MAX_UNSAVED) {
      const lost = this.#unsaved.shift();
      this.#logger.error(`Alert ${lost?.id} (${lost?.event}) is lost: too many wait for the database`);
    }
    void this.save();
  }

  open(places: OutboxPlaces): Promise<void> {
    this.#places = places;
    return this.save();
  }

  /** Saves what is not saved yet. What cannot be saved now waits for the next time. */
  async save(): Promise<void> {
    if (!this.#saving && this.#places && this.#unsaved.length > 0) {
      this.#saving = this.#saveAll(this.#places);
    }
    await this.#saving;
  }

  async #saveAll(places: OutboxPlaces): Promise<void> {
    try {
      while (this.#unsaved.length > 0) {
        const some = this.#unsaved.slice(0, AT_ONCE);
        await this.#saveSome(places, some);
        this.#unsaved = this.#unsaved.filter(alert => !some.includes(alert));
        places.onSaved();
      }
      this.#saveHasFailed = false;
    } catch (error) {
      if (!this.#saveHasFailed) {
        this.#saveHasFailed = true;
        this.#logger.error('Alerts cannot be written to the database; those that come wait', toError(error));
      }
    } finally {
      this.#saving = undefined;
    }
  }

  async #saveSome({ db, alerts, deliveries, webhooks, onDropped }: OutboxPlaces, some: KeptAlert[]): Promise<void> {
    const messages = webhooks.flatMap(webhook =>
      some
        .filter(({ event }) => webhook.events.includes(event))
        .map(alert => ({ id: alert.id, webhook: webhook.id, body: webhookBody(alert) })),
    );
    await db.transaction(async tx => {
      await alerts.add(tx, some);
      await deliveries.add(tx, messages, this.#now().getTime());
    });
    for (const { id, host } of webhooks) {
      const dropped = await deliveries.trim(id, MAX_WAITING);
      if (dropped > 0) {
        this.#logger.error(
          `Alerts not sent to the webhook at ${host}, because more than ${MAX_WAITING} wait: ${dropped}`,
        );
        onDropped(dropped);
      }
    }
  }
}
