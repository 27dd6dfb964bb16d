import type { LoggerService } from '@backstage/backend-plugin-api';
import { ServiceUnavailableError } from '@backstage/errors';
import { type ActionCall, type ActionGate, type Finding, TooManyRequestsError } from '@callboard/actions-api';
import { withTimeout } from '../withTimeout.js';
import type { Count, CounterStore, CountResult } from './CounterStore.js';
import { LEASE_MS, type Lease, type LeaseStore } from './LeaseStore.js';
import { type CountedCall, Limit, type LimitSettings } from './Limit.js';

const DAY_MS = 86_400_000;
const STORE_TIMEOUT_MS = 5_000;
const PURGE_AFTER_MS = 10 * 60_000;

export interface LimitStores {
  readonly counters: CounterStore;
  readonly leases: LeaseStore;
}

/**
 * Refuses calls beyond the limits of the configuration, counted over all replicas. A call that is
 * limited and cannot be counted does not run; one that no limit applies to asks no database.
 */
export class CallLimits implements ActionGate {
  readonly id = 'safety.limits';
  readonly stage = 'limits';
  readonly #limits: readonly Limit[];
  readonly #logger: LoggerService;
  readonly #now: () => Date;
  readonly #held = new Set<Lease>();
  #stores: LimitStores | undefined;

  constructor(options: { limits: readonly LimitSettings[]; logger: LoggerService; now: () => Date }) {
    this.#limits = options.limits.map((settings, index) => new Limit(settings, index));
    this.#logger = options.logger;
    this.#now = options.now;
  }

  /** Gives it the database; until then limited calls are refused. */
  open(stores: LimitStores): void {
    this.#stores = stores;
  }

  check(call: ActionCall): void | Promise<void> {
    const limits = this.#limits.filter(limit => limit.appliesTo(call));
    return limits.length > 0 ? this.#count(call, limits) : undefined;
  }

  explain(call: CountedCall): Finding {
    const limits = this.#limits.filter(limit => limit.appliesTo(call));
    if (limits.length === 0) {
      return { verdict: 'passes', because: 'no limit applies to such calls' };
    }
    const described = limits.flatMap(limit => limit.kinds.map(kind => limit.describe(kind)));
    return {
      verdict: 'depends',
      because: `calls are limited to ${described.join('; ')}`,
      config: limits.map(({ config }) => config).join(', '),
    };
  }

  /** Keeps the slots of calls that are under way from expiring. */
  async extendLeases(): Promise<void> {
    if (this.#held.size > 0) {
      await this.#stores?.leases.extend([...this.#held], this.#now().getTime());
    }
  }

  /** Removes what is no longer needed. */
  async purge(): Promise<void> {
    const nowMs = this.#now().getTime();
    await this.#stores?.counters.purge(nowMs);
    await this.#stores?.leases.purge(nowMs);
  }

  /** @returns what stops it. */
  startUpkeep(): () => void {
    if (this.#limits.length === 0) {
      return () => {};
    }
    const report = (error: unknown) => this.#logger.error('The upkeep of limits failed', error as Error);
    const timers = [
      setInterval(() => void this.extendLeases().catch(report), LEASE_MS / 3),
      setInterval(() => void this.purge().catch(report), PURGE_AFTER_MS),
    ];
    for (const timer of timers) {
      timer.unref();
    }
    return () => {
      for (const timer of timers) {
        clearInterval(timer);
      }
    };
  }

  async #count(call: ActionCall, limits: readonly Limit[]): Promise<void> {
    const taken: Count[] = [];
    try {
      for (const limit of limits) {
        await this.#takeSlot(call, limit);
        for (const count of [() => this.#countRate(call, limit), () => this.#countDay(call, limit)]) {
          const counted = await count();
          if (counted) {
            taken.push(counted);
          }
        }
      }
    } catch (error) {
      // A call that does not run must not use up what other limits allow.
      await this.#takeBack(taken);
      throw error;
    }
    if (taken.length > 0) {
      // Nor one that a later step refuses, or that waits for approval and will be made again.
      call.whenEnded(({ ran }) => (ran ? undefined : this.#takeBack(taken)));
    }
  }

  async #takeSlot(call: ActionCall, limit: Limit): Promise<void> {
    const most = limit.settings.concurrency;
    if (most === undefined) {
      return;
    }
    const key = limit.keyOf(call, 'concurrency');
    const lease = await this.#ask(limit, ({ leases }) => leases.acquire({ key, most, nowMs: this.#now().getTime() }));
    if (!lease) {
      throw this.#refusal(call, limit, 'concurrency', 'try again when one of them has ended, such as in 1 second');
    }
    this.#held.add(lease);
    call.whenEnded(async () => {
      this.#held.delete(lease);
      await this.#stores?.leases.release(lease);
    });
  }

  async #countRate(call: ActionCall, limit: Limit): Promise<Count | undefined> {
    const { rate } = limit.settings;
    if (!rate) {
      return undefined;
    }
    const { calls, seconds } = rate;
    const key = limit.keyOf(call, 'rate');
    const nowMs = this.#now().getTime();
    const result = await this.#ask(limit, ({ counters }) =>
      counters.countRate({ key, calls, periodMs: seconds * 1_000, nowMs }),
    );
    return this.#orRefuse(result, call, limit, 'rate');
  }

  async #countDay(call: ActionCall, limit: Limit): Promise<Count | undefined> {
    const { perDay } = limit.settings;
    if (perDay === undefined) {
      return undefined;
    }
    const now = this.#now();
    const day = now.toISOString().slice(0, 10);
    const key = limit.keyOf(call, 'day', day);
    const nowMs = now.getTime();
    const endsAtMs = Date.parse(`${day}T00:00:00.000Z`) + DAY_MS;
    const result = await this.#ask(limit, ({ counters }) => counters.countUpTo({ key, most: perDay, nowMs, endsAtMs }));
    return this.#orRefuse(result, call, limit, 'perDay');
  }

  #orRefuse(result: CountResult, call: ActionCall, limit: Limit, kind: 'rate' | 'perDay'): Count {
    if ('count' in result) {
      return result.count;
    }
    const seconds = Math.ceil(result.waitMs / 1_000);
    throw this.#refusal(call, limit, kind, `try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}`);
  }

  #refusal(call: ActionCall, limit: Limit, kind: 'rate' | 'perDay' | 'concurrency', when: string): Error {
    const { name } = limit.settings;
    return new TooManyRequestsError(
      `Action "${call.action.id}" did not run: the limit ${name ? `"${name}" ` : ''}(${limit.config}.${kind}) is ${limit.describe(kind)}; ${when}`,
    );
  }

  async #ask<T>(limit: Limit, ask: (stores: LimitStores) => Promise<T>): Promise<T> {
    try {
      if (!this.#stores) {
        throw new Error('the database is not open yet');
      }
      return await withTimeout(ask(this.#stores), STORE_TIMEOUT_MS);
    } catch (error) {
      this.#logger.error(`Calls cannot be counted against ${limit.config}`, error as Error);
      throw new ServiceUnavailableError(
        `The limit ${limit.config} cannot be checked, because the database does not answer; try again later`,
      );
    }
  }

  async #takeBack(counts: readonly Count[]): Promise<void> {
    for (const count of counts) {
      try {
        await this.#stores?.counters.takeBack(count);
      } catch (error) {
        this.#logger.warn('A call that was refused stays counted', error as Error);
      }
    }
  }
}
