import type { Approvals } from '@callboard/actions';
import { principalName } from '@callboard/actions-api';
import { createRequestStateCodec, type RequestStateCodec, type ServerContext } from '@modelcontextprotocol/server';
import { MAX_WAIT_MS } from './client/limits.js';
import { fromAuthInfo } from './RequestContext.js';

/** What the answer to a request is for: an approval before the call, or a question of the call itself. */
export type CallState =
  | { readonly approvalId: string }
  | {
      /** Begins with the id of the replica that has the call. */
      readonly callId: string;
      /** Grows with every question, so that no answer counts twice. */
      readonly round: number;
    };

/** Stands for state that is not what `mint` made for this principal on this server, or is too old. */
export const FORGED_STATE = Symbol('forged');

/**
 * Signs what clients of the 2026 era carry from one request of a call to the next, so that it comes
 * back unchanged, in time, and from the same principal on the same server. That it is used once, and
 * for the same call, is for the approval or the suspended call to see to.
 */
export class CallStates {
  readonly #approvals: Approvals;
  readonly #serverKey: string | undefined;
  #codec: Promise<RequestStateCodec<CallState>> | undefined;

  constructor(options: { approvals: Approvals; serverKey: string | undefined }) {
    this.#approvals = options.approvals;
    this.#serverKey = options.serverKey;
  }

  async mint(state: CallState, ctx: ServerContext): Promise<string> {
    return (await this.#getCodec()).mint(state, ctx);
  }

  /** @returns `FORGED_STATE` instead of an error, which would keep the call from being recorded as refused. */
  async verify(state: string, ctx: ServerContext): Promise<CallState | typeof FORGED_STATE> {
    const codec = await this.#getCodec();
    try {
      assertCanonical(state);
      return await codec.verify(state, ctx);
    } catch {
      // Why is of no use to anybody but those who forge.
      return FORGED_STATE;
    }
  }

  #getCodec(): Promise<RequestStateCodec<CallState>> {
    this.#codec ??= this.#approvals.book
      .stateKey()
      .then(key =>
        createRequestStateCodec<CallState>({
          key,
          // Approvals and suspended calls each know better when they end.
          ttlSeconds: Math.ceil(Math.max(this.#approvals.lifetimeMs, MAX_WAIT_MS) / 1000),
          bind: ctx =>
            JSON.stringify([this.#serverKey ?? '', principalName(fromAuthInfo(ctx.http?.authInfo).credentials)]),
        }),
      )
      .catch(error => {
        this.#codec = undefined;
        throw error;
      });
    return this.#codec;
  }
}

/** The signature can be written in several ways that decode to the same bytes; one of them is ours. */
function assertCanonical(state: string): void {
  const signature = state.slice(state.lastIndexOf('.') + 1);
  if (Buffer.from(signature, 'base64url').toString('base64url') !== signature) {
    throw new Error('not as it was made');
  }
}
