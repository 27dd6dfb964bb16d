import { randomBytes } from 'node:crypto';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { JsonObject, JsonValue } from '@backstage/types';
import { type ActionEffect, type Caller, TooManyRequestsError } from '@callboard/actions-api';
import type { Parsed } from '../registry/compileSchema.js';

const MAX_PER_PRINCIPAL = 50;
const MAX_IN_ALL = 1_000;
const SWEEP_MS = 10_000;

/** What a person is asked to enter secrets for: one call, as the server knows it. */
export interface SecretsRequest extends Pick<Caller, 'principal' | 'clientId' | 'server'> {
  /** Of the replica where it was opened, a dot, and 192 random bits. */
  readonly id: string;
  /** What the secrets are good for: the same call by the same caller, and nothing else. */
  readonly binding: string;
  /** Whether the caller is a person, who then is the only one to enter secrets. */
  readonly isOfUser: boolean;
  /** What the agent calls itself; nobody has checked it. */
  readonly agentId: string | undefined;
  /** Why the agent makes the call, in its own words. */
  readonly reason: string | undefined;
  readonly action: ActionsServiceAction;
  readonly effect: ActionEffect;
  readonly environment: string;
  /** Without what looks like secrets, and cut to a readable size. */
  readonly arguments: JsonValue;
  /** The action's own check; absent where the action is in another backend, which checks for itself, and in other replicas. */
  readonly check: ((secrets: unknown) => Parsed | Promise<Parsed>) | undefined;
}

/** Secrets on their way into one call. */
export interface TakenSecrets {
  readonly given: JsonObject;
  readonly request: SecretsRequest;
  /** As configuration says, by the clock of this process. */
  readonly keepUntilMs: number;
}

/** What replicas hold for a call, or count for its caller. */
export interface HeldRequests {
  /** Whether the secrets of the call are there. */
  readonly isEntered: boolean;
  /** The request that waits for them. */
  readonly open: KeptRequest | undefined;
  /** How many there are of the principal. */
  readonly own: number;
  readonly all: number;
}

interface Entry {
  readonly request: SecretsRequest;
  expiresAtMs: number;
  /** As configuration says, whatever else has put the expiry off. */
  keepUntilMs: number;
  /** Set when they have been entered. */
  given: JsonObject | undefined;
  readonly listeners: Set<(isEntered: boolean) => void>;
}

/** What the requests of this process say of one of them. */
export interface KeptRequest {
  readonly request: SecretsRequest;
  readonly isEntered: boolean;
  /** ISO 8601, UTC. */
  readonly expiresAt: string;
}

/**
 * Requests for secrets, and secrets until they are used: in memory, in this process, bounded in
 * number and time. What is over is forgotten, so that nothing can be told of it.
 */
export class SecretsRequests {
  readonly #owner: string;
  readonly #nowMs: () => number;
  readonly #entries = new Map<string, Entry>();
  #lifetimeMs: number;
  #sweep: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** @param options.owner - the id of this replica. */
  constructor(options: { owner: string; lifetimeMs: number; nowMs?: () => number }) {
    this.#owner = options.owner;
    this.#lifetimeMs = options.lifetimeMs;
    this.#nowMs = options.nowMs ?? (() => Date.now());
  }

  /** What is held here for a call, and of its caller. */
  look(binding: string, principal: string): HeldRequests {
    this.#forgetExpired();
    const all = [...this.#entries.values()];
    const ofCall = all.filter(({ request }) => request.binding === binding);
    const open = ofCall.find(({ given }) => given === undefined);
    return {
      isEntered: ofCall.some(({ given }) => given !== undefined),
      open: open && describe(open),
      own: all.filter(({ request }) => request.principal === principal).length,
      all: all.length,
    };
  }

  /**
   * Asks for secrets. A request of the same binding that is open already is the answer.
   *
   * @param elsewhere - what other replicas count.
   * @throws TooManyRequestsError if the principal, or everybody, has too many.
   */
  open(request: Omit<SecretsRequest, 'id'>, elsewhere = { own: 0, all: 0 }): KeptRequest {
    const here = this.look(request.binding, request.principal);
    if (here.open) {
      return here.open;
    }
    const own = here.own + elsewhere.own;
    if (own >= MAX_PER_PRINCIPAL) {
      throw new TooManyRequestsError(
        `${request.principal} has ${own} calls that wait for secrets; have some of them entered first`,
      );
    }
    if (here.all + elsewhere.all >= MAX_IN_ALL) {
      throw new TooManyRequestsError('Too many calls of all callers wait for secrets; try again later');
    }
    const keepUntilMs = this.#nowMs() + this.#lifetimeMs;
    const entry: Entry = {
      request: { ...request, id: `${this.#owner}.${randomBytes(24).toString('base64url')}` },
      expiresAtMs: keepUntilMs,
      keepUntilMs,
      given: undefined,
      listeners: new Set(),
    };
    this.#keep(entry);
    return describe(entry);
  }

  find(id: string): KeptRequest | undefined {
    this.#forgetExpired();
    const entry = this.#entries.get(id);
    return entry && describe(entry);
  }

  /**
   * Keeps what a person has entered, once, and as long as the request was: the call may use it now.
   *
   * @returns false if there is no such request, or if they have been entered already.
   */
  enter(id: string, given: JsonObject): boolean {
    this.#forgetExpired();
    const entry = this.#entries.get(id);
    if (!entry || entry.given !== undefined) {
      return false;
    }
    entry.given = given;
    entry.keepUntilMs = this.#nowMs() + this.#lifetimeMs;
    entry.expiresAtMs = entry.keepUntilMs;
    tell(entry, true);
    return true;
  }

  /** Takes secrets for a call: of any number of calls, one gets them. */
  take(binding: string): TakenSecrets | undefined {
    this.#forgetExpired();
    const entry = [...this.#entries.values()].find(
      ({ request, given }) => given !== undefined && request.binding === binding,
    );
    if (!entry?.given) {
      return undefined;
    }
    const { given, request, keepUntilMs } = entry;
    this.#entries.delete(request.id);
    return { given, request, keepUntilMs };
  }

  /**
   * The call that has taken secrets, here or elsewhere, did not run: the same call made again finds them.
   *
   * @param untilMs - since the epoch; until then they are kept at least.
   */
  giveBack({ given, request, keepUntilMs }: TakenSecrets, untilMs = 0): void {
    const expiresAtMs = Math.max(keepUntilMs, untilMs);
    this.#keep({ request, given, keepUntilMs, expiresAtMs, listeners: new Set() });
    this.#forgetExpired();
  }

  /** Forgets a request of this binding, and what was entered. */
  close(id: string, binding: string): void {
    const entry = this.#entries.get(id);
    if (entry?.request.binding === binding) {
      this.#forget(entry);
    }
  }

  /**
   * Waits until a request is answered or over, for so long at most.
   *
   * @returns whether the secrets are there.
   * @throws the signal's reason.
   */
  async whenEntered(id: string, options: { signal: AbortSignal; timeoutMs: number }): Promise<boolean> {
    const { signal, timeoutMs } = options;
    signal.throwIfAborted();
    this.#forgetExpired();
    const entry = this.#entries.get(id);
    if (!entry || entry.given !== undefined) {
      return entry !== undefined;
    }
    let settle: (isEntered: boolean) => void = () => {};
    let abort = () => {};
    const settled = new Promise<boolean>((resolve, reject) => {
      settle = resolve;
      abort = () => reject(signal.reason);
    });
    const timer = setTimeout(() => settle(false), timeoutMs);
    timer.unref();
    entry.listeners.add(settle);
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await settled;
    } finally {
      clearTimeout(timer);
      entry.listeners.delete(settle);
      signal.removeEventListener('abort', abort);
    }
  }

  set lifetimeMs(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs;
  }

  /** Forgets everything, and keeps nothing from now on. */
  stop(): void {
    this.#isStopped = true;
    for (const entry of this.#entries.values()) {
      this.#forget(entry);
    }
    clearInterval(this.#sweep);
  }

  #keep(entry: Entry): void {
    if (this.#isStopped) {
      return;
    }
    this.#entries.set(entry.request.id, entry);
    if (!this.#sweep) {
      this.#sweep = setInterval(() => this.#forgetExpired(), SWEEP_MS);
      this.#sweep.unref();
    }
  }

  #forgetExpired(): void {
    const nowMs = this.#nowMs();
    for (const entry of this.#entries.values()) {
      if (entry.expiresAtMs <= nowMs) {
        this.#forget(entry);
      }
    }
    if (this.#entries.size === 0) {
      clearInterval(this.#sweep);
      this.#sweep = undefined;
    }
  }

  #forget(entry: Entry): void {
    this.#entries.delete(entry.request.id);
    entry.given = undefined;
    tell(entry, false);
  }
}

function describe({ request, given, expiresAtMs }: Entry): KeptRequest {
  return { request, isEntered: given !== undefined, expiresAt: new Date(expiresAtMs).toISOString() };
}

function tell(entry: Entry, isEntered: boolean): void {
  for (const listener of entry.listeners) {
    listener(isEntered);
  }
}
