import type { BackstageCredentials, LoggerService } from '@backstage/backend-plugin-api';
import type { ActionCallInfo, CallClient } from '@callboard/actions-api';
import { type CallSignal, toAbortSignal } from '../CallSignal.js';
import type { ActionRun } from '../catalogue/VisibleAction.js';
import type { OfferContext } from '../offers/completions.js';

/**
 * What a handler is given. All of it are properties of its own, so that it can be spread; the signal is made
 * when it is looked at.
 */
export class HandlerCall {
  readonly input: unknown;
  readonly secrets: unknown;
  declare readonly signal: AbortSignal;
  readonly call: ActionCallInfo;
  readonly client: CallClient;
  readonly credentials: BackstageCredentials;
  readonly logger: LoggerService;
  readonly #ending: CallSignal;

  /** One for all: with a getter of its own, each object has a shape of its own, and V8 keeps it for long. */
  static readonly #signal = {
    enumerable: true,
    get(this: HandlerCall): AbortSignal {
      return toAbortSignal(this.#ending);
    },
  };

  constructor({ input, secrets, signal, call, client }: ActionRun, { credentials, logger }: OfferContext) {
    this.input = input;
    this.secrets = secrets;
    this.call = call;
    this.client = client;
    this.credentials = credentials;
    this.logger = logger;
    this.#ending = signal;
    Object.defineProperty(this, 'signal', HandlerCall.#signal);
  }
}
