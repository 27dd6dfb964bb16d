import { toError } from '@backstage/errors';
import { CallAbort, type CallSignal } from '@callboard/actions';
import type { CallClient } from '@callboard/actions-api';
import type { ClientCapabilities } from '@modelcontextprotocol/server';
import { readAnswers } from './answers.js';
import { ClientNotices, type NoticeTarget } from './ClientNotices.js';
import { findMissing } from './capabilities.js';
import { assertCanBeAsked, type ClientRequests, McpCallClient } from './McpCallClient.js';
import type { SuspendedCalls } from './SuspendedCalls.js';

/** A request of the client's that a call is served on. */
export interface ServedRequest extends NoticeTarget {
  /** Aborted when its client goes away, or cancels it. */
  readonly signal: CallSignal;
  /** What the client says of itself with this request. */
  readonly capabilities: ClientCapabilities | undefined;
}

/** How far a call has come on one request. */
export type Round<TOutcome> =
  | { readonly kind: 'ended'; readonly outcome: TOutcome }
  /** The call waits for answers, which the client brings along with its next request. */
  | { readonly kind: 'asked'; readonly requests: ClientRequests; readonly round: number };

interface Waiting {
  readonly requests: ClientRequests;
  answer(answers: Record<string, unknown>): void;
  reject(reason: Error): void;
}

/**
 * One call of the 2026 era over any number of requests (MCP 2026-07-28, multi round-trip requests). Its
 * handler runs once; while it waits for the client it is among the suspended calls, and the client's
 * next request takes it up again. Aborting the request that it is served on aborts it.
 */
export class RoundTripCall<TOutcome> {
  #id: string | undefined;
  /** Whose call it is, for the cap on suspended ones. */
  readonly principal: string;
  readonly client: CallClient;
  readonly #suspended: SuspendedCalls;
  readonly #bind: () => string;
  #binding: string | undefined;
  readonly #notices = new ClientNotices();
  readonly #abort = new CallAbort();
  /** Answers that came with the first request, to questions that the client knows already. */
  #given: Readonly<Record<string, unknown>> | undefined;
  #capabilities: ClientCapabilities | undefined;
  #leaveRequest = () => {};
  #tellAsked = (_requests: ClientRequests) => {};
  /** Asks of one call take turns: a client answers the questions of one round. */
  #turn: Promise<unknown> = Promise.resolve();
  #waiting: Waiting | undefined;
  #round = 0;
  #outcome: Promise<TOutcome> | undefined;
  #hasEnded = false;

  constructor(options: {
    suspended: SuspendedCalls;
    /** Equal for the requests that may take this call up; asked for only if it is suspended. */
    bind: () => string;
    principal: string;
    given: Readonly<Record<string, unknown>> | undefined;
  }) {
    this.#suspended = options.suspended;
    this.#bind = options.bind;
    this.principal = options.principal;
    this.#given = options.given;
    this.client = new McpCallClient({
      capabilities: () => this.#capabilities,
      notices: this.#notices,
      asker: requests => this.#ask(requests),
    });
  }

  /** Made when it is first needed, which few calls come to. */
  get id(): string {
    this.#id ??= this.#suspended.newId();
    return this.#id;
  }

  get binding(): string {
    this.#binding ??= this.#bind();
    return this.#binding;
  }

  get signal(): CallSignal {
    return this.#abort;
  }

  /** Grows with every question; an answer is for one of them. */
  get round(): number {
    return this.#round;
  }

  /** Settled when the call has ended, however it ended. */
  get ended(): Promise<void> {
    return (this.#outcome ?? Promise.resolve()).then(
      () => {},
      () => {},
    );
  }

  /** Starts the call, on the first request. */
  start(request: ServedRequest, run: () => Promise<TOutcome>): Promise<Round<TOutcome>> {
    const asked = this.#serveOn(request);
    this.#outcome = run().finally(() => {
      this.#hasEnded = true;
      this.#notices.detach();
      this.#leaveRequest();
    });
    return this.#next(asked);
  }

  /**
   * Takes the call up again on a further request, where it waits for answers.
   *
   * @param responses - what the client answers. If an answer is missing or malformed, the same
   * questions are asked again and nothing is lost. A call that did not wait for them has ended meanwhile.
   */
  resume(request: ServedRequest, responses: Readonly<Record<string, unknown>> | undefined): Promise<Round<TOutcome>> {
    const waiting = this.#waiting;
    const answers = waiting && readAnswers(waiting.requests, responses);
    if (waiting && !answers && !this.#hasEnded) {
      // Where they cannot be asked, the SDK answers so, and the client still has the state that it came with.
      if (!findMissing(Object.values(waiting.requests), request.capabilities)) {
        this.#round += 1;
      }
      return Promise.resolve({ kind: 'asked', requests: waiting.requests, round: this.#round });
    }
    this.#suspended.remove(this);
    this.#waiting = undefined;
    const asked = this.#serveOn(request);
    if (this.signal.aborted) {
      waiting?.reject(toError(this.signal.reason));
    } else {
      waiting?.answer(answers ?? {});
    }
    return this.#next(asked);
  }

  abort(reason: Error): void {
    this.#suspended.remove(this);
    this.#abort.abort(reason);
    this.#waiting?.reject(reason);
    this.#waiting = undefined;
  }

  #next(asked: Promise<ClientRequests>): Promise<Round<TOutcome>> {
    const outcome = this.#outcome as Promise<TOutcome>;
    return Promise.race([
      outcome.then(value => ({ kind: 'ended', outcome: value }) as const),
      asked.then(requests => ({ kind: 'asked', requests, round: this.#round }) as const),
    ]);
  }

  /** @returns settled when the call asks something on this request. */
  #serveOn(request: ServedRequest): Promise<ClientRequests> {
    this.#capabilities = request.capabilities;
    const { signal } = request;
    const onAbort = () => this.abort(toError(signal.reason));
    if (signal.aborted) {
      onAbort();
    }
    signal.addEventListener('abort', onAbort, { once: true });
    this.#leaveRequest = () => signal.removeEventListener('abort', onAbort);
    if (!this.#hasEnded) {
      this.#notices.attach(request);
    }
    return new Promise(resolve => {
      this.#tellAsked = resolve;
    });
  }

  #ask(requests: ClientRequests): Promise<Record<string, unknown>> {
    const asking = this.#turn.then(() => {
      this.signal.throwIfAborted();
      assertCanBeAsked(requests, this.#capabilities);
      const known = readAnswers(requests, this.#given);
      this.#given = undefined;
      return known ?? this.#suspend(requests);
    });
    this.#turn = asking.catch(() => {});
    return asking;
  }

  #suspend(requests: ClientRequests): Promise<Record<string, unknown>> {
    this.#suspended.add(this);
    this.#round += 1;
    // From here on nobody is there whose leaving would mean anything.
    this.#leaveRequest();
    this.#notices.detach();
    return new Promise((answer, reject) => {
      this.#waiting = { requests, answer, reject };
      this.#tellAsked(requests);
    });
  }
}
