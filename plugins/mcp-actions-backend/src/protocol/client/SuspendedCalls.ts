import { ServiceUnavailableError } from '@backstage/errors';
import { ActionTimeoutError, LoneReplica, type Replicas } from '@callboard/actions';
import { TooManyRequestsError } from '@callboard/actions-api';
import { idAt } from '../../replicas/replicaIds.js';
import { MAX_WAIT_MS } from './limits.js';
import type { RoundTripCall } from './RoundTripCall.js';

/** How long shutting down waits for handlers that have been told to stop. */
const SHUTDOWN_MS = 5_000;

/**
 * The calls of the 2026 era that wait for their clients, of all servers, in the memory of this process:
 * a client that comes back after a restart has to make its call anew. Those of other replicas are
 * reached by the `CallRelay`.
 */
export class SuspendedCalls {
  readonly #replicaId: string;
  readonly #maxPerPrincipal: number;
  readonly #maxOverall: number;
  readonly #waitMs: number;
  readonly #calls = new Map<string, { call: RoundTripCall<unknown>; deadline: NodeJS.Timeout }>();
  readonly #perPrincipal = new Map<string, number>();
  #isClosed = false;

  constructor(
    options: {
      replicas?: Pick<Replicas, 'id'>;
      maxPerPrincipal?: number;
      maxOverall?: number;
      waitMs?: number;
    } = {},
  ) {
    this.#replicaId = (options.replicas ?? new LoneReplica()).id;
    this.#maxPerPrincipal = options.maxPerPrincipal ?? 100;
    this.#maxOverall = options.maxOverall ?? 10_000;
    this.#waitMs = options.waitMs ?? MAX_WAIT_MS;
  }

  get size(): number {
    return this.#calls.size;
  }

  /** An id for a call, by which every replica finds this one. */
  newId(): string {
    return idAt(this.#replicaId);
  }

  /**
   * Keeps a call until it is taken up, at most until its deadline.
   *
   * @throws TooManyRequestsError if its principal, or everybody together, has too many.
   * @throws ServiceUnavailableError after `close`.
   */
  add(call: RoundTripCall<unknown>): void {
    if (this.#isClosed) {
      throw shuttingDown();
    }
    const own = this.#perPrincipal.get(call.principal) ?? 0;
    if (own >= this.#maxPerPrincipal) {
      throw new TooManyRequestsError(
        `${own} calls of this caller wait for answers already, and no more than that may; answer or wait for one first`,
      );
    }
    if (this.#calls.size >= this.#maxOverall) {
      throw new TooManyRequestsError('Too many calls wait for answers at the moment; try again later');
    }
    const deadline = setTimeout(() => {
      call.abort(new ActionTimeoutError(`The client did not answer within ${this.#waitMs / 1000} seconds`));
    }, this.#waitMs).unref();
    this.#calls.set(call.id, { call, deadline });
    this.#perPrincipal.set(call.principal, own + 1);
  }

  remove({ id, principal }: RoundTripCall<unknown>): void {
    const suspended = this.#calls.get(id);
    if (suspended) {
      clearTimeout(suspended.deadline);
      this.#calls.delete(id);
      const left = (this.#perPrincipal.get(principal) ?? 1) - 1;
      if (left > 0) {
        this.#perPrincipal.set(principal, left);
      } else {
        this.#perPrincipal.delete(principal);
      }
    }
  }

  /** @returns undefined unless this very round of the call waits for an answer, and this request may bring it. */
  find(state: { callId: string; round: number }, binding: string): RoundTripCall<unknown> | undefined {
    const call = this.#calls.get(state.callId)?.call;
    return call?.round === state.round && call.binding === binding ? call : undefined;
  }

  /** Aborts all of them, and waits for a short time for them to end. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const calls = [...this.#calls.values()].map(({ call }) => call);
    for (const call of calls) {
      call.abort(shuttingDown());
    }
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<void>(resolve => {
      timer = setTimeout(resolve, SHUTDOWN_MS).unref();
    });
    await Promise.race([Promise.all(calls.map(({ ended }) => ended)), tooLate]);
    clearTimeout(timer);
  }
}

function shuttingDown(): ServiceUnavailableError {
  return new ServiceUnavailableError('The server is shutting down; make the call anew');
}
