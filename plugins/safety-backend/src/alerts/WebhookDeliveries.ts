import { setTimeout as delay } from 'node:timers/promises';
import type { LoggerService } from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import type { guardedRequest } from '@callboard/outbound-http';
import type { Webhook } from './config.js';
import type { Delivery, DeliveryStore } from './DeliveryStore.js';
import { delayAfter, judgeStatus, MAX_ATTEMPTS, type Verdict } from './retries.js';
import { webhookHeaders } from './webhookMessages.js';

const TIMEOUT_MS = 10_000;
/** Nobody reads the answer; what is longer is no answer to a webhook. */
const MAX_ANSWER_BYTES = 1_048_576;
/** Much longer than an attempt may take. */
const LEASE_MS = 60_000;
const AT_ONCE = 4;

/** What became of an attempt, or of a message without one. */
export type DeliveryResult = 'delivered' | 'failed' | 'given_up' | 'dropped';

/** Sends what waits, again and again until it arrives or there is no hope. */
export class WebhookDeliveries {
  readonly #webhooks: readonly Webhook[];
  readonly #store: DeliveryStore;
  readonly #request: typeof guardedRequest;
  readonly #logger: LoggerService;
  readonly #now: () => Date;
  readonly #random: () => number;
  readonly #count: (result: DeliveryResult) => void;
  readonly #stopping = new AbortController();
  readonly #rounds = new Map<string, { again: boolean; done: Promise<void> }>();
  #storeHasFailed = false;

  constructor(options: {
    webhooks: readonly Webhook[];
    store: DeliveryStore;
    request: typeof guardedRequest;
    logger: LoggerService;
    now: () => Date;
    random: () => number;
    count: (result: DeliveryResult) => void;
  }) {
    this.#webhooks = options.webhooks;
    this.#store = options.store;
    this.#request = options.request;
    this.#logger = options.logger;
    this.#now = options.now;
    this.#random = options.random;
    this.#count = options.count;
  }

  /** @returns when nothing is due any more. A webhook that is slow does not hold up the others. */
  async deliverDue(): Promise<void> {
    await Promise.all(this.#webhooks.map(webhook => this.#deliverTo(webhook)));
  }

  /** Gives what is due some time, then leaves it to the next start or to another replica. */
  async stop(graceMs: number): Promise<void> {
    await within(graceMs, this.deliverDue());
    this.#stopping.abort();
    await within(graceMs, Promise.all([...this.#rounds.values()].map(({ done }) => done)));
  }

  /** One round at a time for each webhook, so that no more requests are open than there should be. */
  #deliverTo(webhook: Webhook): Promise<void> {
    const running = this.#rounds.get(webhook.id);
    if (running) {
      // What has come since may not be part of the round that is under way.
      running.again = true;
      return running.done;
    }
    const rounds = { again: true, done: Promise.resolve() };
    this.#rounds.set(webhook.id, rounds);
    rounds.done = (async () => {
      while (rounds.again) {
        rounds.again = false;
        await this.#runRound(webhook);
      }
      this.#rounds.delete(webhook.id);
    })();
    return rounds.done;
  }

  async #runRound(webhook: Webhook): Promise<void> {
    try {
      while (!this.#stopping.signal.aborted) {
        const nowMs = this.#now().getTime();
        const due = await this.#store.claim({ webhook: webhook.id, nowMs, leaseMs: LEASE_MS, most: AT_ONCE });
        if (due.length === 0) {
          break;
        }
        await Promise.all(due.map(delivery => this.#attempt(webhook, delivery)));
      }
      this.#storeHasFailed = false;
    } catch (error) {
      if (!this.#storeHasFailed) {
        this.#storeHasFailed = true;
        this.#logger.error('Alerts that wait to be sent cannot be read from the database', toError(error));
      }
    }
  }

  async #attempt(webhook: Webhook, delivery: Delivery): Promise<void> {
    const { verdict, reason, retryAfter } = await this.#send(webhook, delivery);
    const { id, attempts } = delivery;
    if (verdict === 'delivered') {
      this.#count('delivered');
      await this.#store.remove(delivery);
      return;
    }
    const now = this.#now();
    if (this.#stopping.signal.aborted) {
      await this.#store.postpone(delivery, now.getTime());
      return;
    }
    const about = `Alert ${id} was not taken by the webhook at ${webhook.host} (${reason})`;
    if (verdict === 'give up' || attempts >= MAX_ATTEMPTS) {
      this.#count('given_up');
      this.#logger.error(`${about}; it is not sent there again, after ${attempts} attempts`);
      await this.#store.remove(delivery);
      return;
    }
    this.#count('failed');
    const delayMs = delayAfter({ attempts, random: this.#random(), retryAfter, now });
    this.#logger.warn(`${about}; attempt ${attempts + 1} follows in ${Math.round(delayMs / 1_000)} s`);
    await this.#store.postpone(delivery, now.getTime() + delayMs);
  }

  async #send(
    { url, secret, allowPrivateNetwork }: Webhook,
    { id, body }: Delivery,
  ): Promise<{ verdict: Verdict; reason: string; retryAfter?: string }> {
    try {
      const { status, headers } = await this.#request({
        url,
        method: 'POST',
        headers: await webhookHeaders({ id, body, secret, now: this.#now() }),
        body,
        timeoutMs: TIMEOUT_MS,
        maxBytes: MAX_ANSWER_BYTES,
        signal: this.#stopping.signal,
        allowsPrivate: allowPrivateNetwork,
        allowsPlainHttp: allowPrivateNetwork,
      });
      return { verdict: judgeStatus(status), reason: `status ${status}`, retryAfter: headers['retry-after'] };
    } catch (error) {
      return { verdict: 'retry', reason: toError(error).message };
    }
  }
}

async function within(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  const ended = new AbortController();
  const timeout = delay(timeoutMs, undefined, { signal: ended.signal }).catch(() => {
    // The work was done first.
  });
  await Promise.race([work, timeout]);
  ended.abort();
}
