import type { LoggerService } from '@backstage/backend-plugin-api';
import { ServiceUnavailableError, toError } from '@backstage/errors';
import type { JsonValue } from '@backstage/types';
import { type Asked, type Replicas, toAbortSignal } from '@callboard/actions';
import type { LogLevel } from '@callboard/actions-api';
import {
  type ClientCapabilities,
  ProtocolError,
  ProtocolErrorCode,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { inPieces } from '../../replicas/inPieces.js';
import { isGone } from '../../replicas/isGone.js';
import { replicaOf } from '../../replicas/replicaIds.js';
import { guarded } from '../guarded.js';
import { toProtocolError } from '../toProtocolError.js';
import { LONGEST_MS } from './limits.js';
import type { Round, RoundTripCall, ServedRequest } from './RoundTripCall.js';
import { readRound, writeFailure, writeRound } from './roundsOnTheWire.js';
import type { SuspendedCalls } from './SuspendedCalls.js';
import { unlessCancelled } from './unlessCancelled.js';

const TAKE_UP = 'mcp-actions.calls.take-up';
/** How long stopping waits for calls that are served for other replicas. */
const DRAIN_MS = 5_000;

type Notification = Parameters<ServerContext['mcpReq']['notify']>[0];

/** A request that brings the answers to what a call has asked. */
export interface Continuation {
  /** Signed, and verified by now. */
  readonly state: { readonly callId: string; readonly round: number };
  /** Of the request; see `bindingOfRequest`. */
  readonly binding: string;
  readonly method: string;
  readonly request: ServedRequest;
  readonly responses: Readonly<Record<string, unknown>> | undefined;
}

/** A continuation as it goes to the replica that has the call. */
interface TakeUp extends Pick<Continuation, 'state' | 'binding' | 'method' | 'responses'> {
  readonly capabilities?: ClientCapabilities;
  readonly logLevel?: LogLevel;
  readonly progressToken?: string | number;
}

/** What comes back before the answer. */
type Told =
  /** The call is here; from now on its handler may be at work. */
  { readonly kind: 'found' } | { readonly kind: 'notice'; readonly notification: Notification } | Piece;

/** Of the JSON of the round; the last one is the answer. */
interface Piece {
  readonly kind: 'piece';
  readonly json: string;
}

/**
 * Brings the requests that continue a call to the replica in whose memory it waits, wherever they
 * arrive, and back what came of it: the handler, its signal, what it tells the client and the one
 * who decides which answer counts stay where they are.
 */
export class CallRelay {
  readonly #replicas: Replicas;
  readonly #suspended: SuspendedCalls;
  readonly #logger: LoggerService;
  readonly #served = new Set<{ call: RoundTripCall<unknown>; answered: Promise<unknown> }>();
  #stopAnswering = () => {};

  constructor(options: { replicas: Replicas; suspended: SuspendedCalls; logger: LoggerService }) {
    this.#replicas = options.replicas;
    this.#suspended = options.suspended;
    this.#logger = options.logger;
  }

  /** From now on, the other replicas reach the calls that wait here. */
  open(): void {
    this.#stopAnswering = this.#replicas.answer(TAKE_UP, (payload, asked) =>
      this.#serve(payload as unknown as TakeUp, asked),
    );
  }

  /** Lets the calls that are served for other replicas end, for a short time; then aborts them. */
  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<'late'>(resolve => {
      timer = setTimeout(() => resolve('late'), DRAIN_MS).unref();
    });
    const ended = Promise.allSettled([...this.#served].map(({ answered }) => answered));
    if ((await Promise.race([ended, tooLate])) === 'late') {
      for (const { call } of this.#served) {
        call.abort(new ServiceUnavailableError('The server is shutting down'));
      }
    }
    clearTimeout(timer);
    this.#stopAnswering();
  }

  /**
   * Takes a call up with the answers of its client.
   *
   * @returns undefined if no call waits for them, or not any more.
   * @throws ProtocolError what the call ended with; -31503 if the replica that has it cannot be reached,
   * after which the same request can be made again; -32603 if it was reached, and what came of it is not
   * known; -32602 if the answers are too long to get there.
   */
  async takeUp<TOutcome>(continuation: Continuation): Promise<Round<TOutcome> | undefined> {
    const { state, binding, request, responses } = continuation;
    const replicaId = replicaOf(state.callId);
    if (replicaId === this.#replicas.id) {
      const call = this.#suspended.find(state, binding);
      // The binding says that it is a call of the same method.
      return call?.resume(request, responses) as Promise<Round<TOutcome>> | undefined;
    }
    const json = replicaId === undefined ? undefined : await this.#ask(replicaId, continuation);
    return json === undefined ? undefined : readRound<TOutcome>(json);
  }

  /** @returns undefined if that replica is gone, and the call with it. */
  async #ask(replicaId: string, continuation: Continuation): Promise<string | undefined> {
    const { state, binding, method, request, responses } = continuation;
    const { capabilities, logLevel, mcpReq, signal } = request;
    const progressToken = mcpReq._meta?.progressToken;
    const payload: TakeUp = {
      state,
      binding,
      method,
      responses,
      ...(capabilities && { capabilities }),
      ...(logLevel && { logLevel }),
      ...(progressToken !== undefined && { progressToken }),
    };
    let isFound = false;
    const pieces: string[] = [];
    const onTold = (told: Told) => {
      switch (told.kind) {
        case 'found':
          isFound = true;
          break;
        case 'notice':
          mcpReq.notify(told.notification).catch(() => {
            // The client may be gone, of which the request's signal tells.
          });
          break;
        case 'piece':
          pieces.push(told.json);
      }
    };
    try {
      const last = await this.#replicas.ask(replicaId, TAKE_UP, payload as unknown as JsonValue, {
        timeoutMs: LONGEST_MS,
        signal: toAbortSignal(signal),
        onTold: told => onTold(told as unknown as Told),
      });
      return [...pieces, (last as unknown as Piece).json].join('');
    } catch (error) {
      if (signal.aborted) {
        throw error;
      }
      const { name, message } = toError(error);
      if (isFound) {
        this.#logger.warn(`A call of replica ${replicaId} was taken up by ${method}, and nothing came back`, {
          message,
        });
        throw new ProtocolError(ProtocolErrorCode.InternalError, LOST);
      }
      if (isGone(error)) {
        return undefined;
      }
      throw name === 'InputError'
        ? new ProtocolError(ProtocolErrorCode.InvalidParams, message, { name })
        : toProtocolError({ name: 'ServiceUnavailableError', message: AWAY, status: 503, expected: true }, error);
    }
  }

  /** Takes up a call that waits here, for a request that has reached another replica. */
  async #serve({ state, binding, method, responses, ...client }: TakeUp, asked: Asked): Promise<JsonValue> {
    const tell = (told: Told) => asked.tell(told as unknown as JsonValue);
    const { signal } = asked;
    const call = this.#suspended.find(state, binding);
    const serve = async () => {
      if (!call) {
        return writeRound(undefined);
      }
      tell({ kind: 'found' });
      const { progressToken } = client;
      const request: ServedRequest = {
        capabilities: client.capabilities,
        logLevel: client.logLevel,
        signal,
        mcpReq: {
          _meta: progressToken === undefined ? {} : { progressToken },
          notify: async notification => tell({ kind: 'notice', notification }),
        },
      };
      const options = { logger: this.#logger, method, signal };
      return guarded(this.#logger, method, () => unlessCancelled(options, () => call.resume(request, responses))).then(
        writeRound,
        writeFailure,
      );
    };
    const answered = serve();
    const served = call && { call, answered };
    if (served) {
      this.#served.add(served);
    }
    try {
      const pieces = inPieces(await answered);
      const last = pieces.pop() as string;
      for (const json of pieces) {
        tell({ kind: 'piece', json });
      }
      return { kind: 'piece', json: last };
    } finally {
      if (served) {
        this.#served.delete(served);
      }
    }
  }
}

const AWAY =
  'The call waits on another replica of this server, which cannot be reached at the moment. Make the same request again, with the same requestState and inputResponses.';

const LOST =
  'The answers have reached the call, and the replica of this server on which it runs is gone or cannot be reached. Whether the call has run to its end is not known here: look before you make it anew.';
