import type { RequestHandler } from 'express';
import type { RecordStore } from '../engine/RecordStore.js';

const HOUR_MS = 3_600_000;
/** Addresses that are remembered; a flood from more of them meets the limit on all clients. */
const MAX_ADDRESSES = 10_000;
const MAKE_ROOM_FOR = 20;

interface Window {
  startedAtMs: number;
  count: number;
}

/**
 * Keeps a flood of registrations from filling the database, and from keeping others out: each address has its rate,
 * and where all clients become too many, the oldest that nobody approved go first.
 */
export class RegistrationLimits {
  readonly #store: RecordStore;
  readonly #maxClients: number;
  readonly #perAddressPerHour: number;
  readonly #now: () => number;
  readonly #windows = new Map<string, Window>();

  constructor(options: { store: RecordStore; maxClients: number; perAddressPerHour: number; now: () => number }) {
    this.#store = options.store;
    this.#maxClients = options.maxClients;
    this.#perAddressPerHour = options.perAddressPerHour;
    this.#now = options.now;
  }

  /** Counts a registration. */
  async admit(address: string): Promise<{ admitted: true } | { admitted: false; retryAfterSeconds: number }> {
    const window = this.#windowOf(addressBlock(address));
    window.count += 1;
    if (window.count > this.#perAddressPerHour) {
      return { admitted: false, retryAfterSeconds: Math.ceil((window.startedAtMs + HOUR_MS - this.#now()) / 1000) };
    }
    const excess = (await this.#store.countOf('Client')) - this.#maxClients + 1;
    if (excess > 0) {
      const deleted = await this.#store.deleteOldestUnused('Client', Math.max(excess, MAKE_ROOM_FOR));
      if (deleted < excess) {
        return { admitted: false, retryAfterSeconds: 60 };
      }
    }
    return { admitted: true };
  }

  #windowOf(address: string): Window {
    const known = this.#windows.get(address);
    if (known && this.#now() - known.startedAtMs < HOUR_MS) {
      return known;
    }
    const window = { startedAtMs: this.#now(), count: 0 };
    this.#windows.delete(address);
    this.#windows.set(address, window);
    if (this.#windows.size > MAX_ADDRESSES) {
      const [oldest] = this.#windows.keys();
      this.#windows.delete(oldest as string);
    }
    return window;
  }
}

/** Answers registrations beyond the limits with 429 (RFC 6585 §4). */
export function limitRegistrations(limits: RegistrationLimits): RequestHandler {
  return async (req, res, next) => {
    const admission = await limits.admit(req.ip ?? '');
    if (admission.admitted) {
      next();
      return;
    }
    res
      .status(429)
      .set({ 'Cache-Control': 'no-store', 'Retry-After': String(admission.retryAfterSeconds) })
      .json({
        error: 'temporarily_unavailable',
        error_description: 'Too many clients were registered; try again later',
      });
  };
}

/** A household or a server has a whole /64 of IPv6 addresses. */
function addressBlock(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) {
    return address;
  }
  const [head = ''] = address.split('::');
  return head.split(':').slice(0, 4).join(':');
}
