import { ConflictError, InputError, NotAllowedError, ServiceUnavailableError } from '@backstage/errors';
import type { JsonObject, JsonValue } from '@backstage/types';
import {
  type Approval,
  canonicalJson,
  describeInput,
  matchesPrincipal,
  principalName,
  scrubText,
  visibleText,
} from '@callboard/actions-api';
import { isRepeatable } from '../approval/Approvals.js';
import { bindingOf } from '../approval/bindingOf.js';
import type { Invocation } from '../invocation/Invocation.js';
import type { Parsed } from '../registry/compileSchema.js';
import { LoneReplica } from '../replicas/LoneReplica.js';
import type { Replicas } from '../replicas/Replicas.js';
import { unlessAborted } from '../unlessAborted.js';
import { maskSecrets } from './maskSecrets.js';
import { type KeptRequest, type SecretsRequest, SecretsRequests, type TakenSecrets } from './SecretsRequests.js';
import { type HeldElsewhere, SharedSecretsRequests } from './SharedSecretsRequests.js';
import { SecretsQuestion, SecretsRequiredError } from './secretsErrors.js';

const MAX_ARGUMENT_BYTES = 16_384;
const CHECK_TIMEOUT_MS = 10_000;
const MAX_REASON_CHARACTERS = 1_000;
const MAX_SHOWN_CHARACTERS = 200;
const MAX_SHOWN_FIELDS = 20;

/**
 * What came of showing a person where to enter secrets; `unavailable` if the client did not do it, or
 * nobody has entered them for as long as the door waits.
 */
export interface AnsweredSecrets {
  readonly id: string;
  readonly answer: 'accept' | 'decline' | 'cancel' | 'unavailable';
}

/** Something wrong with what was entered; the path is empty for what concerns the whole. */
export interface SecretsIssue {
  readonly path: readonly string[];
  readonly message: string;
}

/** The pages on which people enter secrets. */
export interface SecretsPages {
  urlOf(id: string): string;
  readonly lifetimeMs: number;
  /** Users who may enter secrets for callers who are no users; patterns of principals. */
  readonly users: readonly string[];
}

/**
 * Has people enter the secrets of calls, on a page of ours: they pass through no client and no model,
 * are good for one call of one caller, and are used once.
 */
export class SecretsDesk {
  readonly #environment: string;
  readonly #requests: SecretsRequests;
  readonly #shared: SharedSecretsRequests;
  #pages: SecretsPages | undefined;

  constructor(options: { environment: string; replicas?: Replicas; nowMs?: () => number }) {
    const { environment, replicas = new LoneReplica(), nowMs = () => Date.now() } = options;
    this.#environment = environment;
    this.#requests = new SecretsRequests({ owner: replicas.id, lifetimeMs: 0, nowMs });
    this.#shared = new SharedSecretsRequests({
      replicas,
      own: this.#requests,
      enter: (id, secrets) => this.#enterHere(id, secrets),
      nowMs,
    });
  }

  /** From now on, people can enter secrets on these pages. */
  open(pages: SecretsPages): void {
    this.#pages = pages;
    this.#requests.lifetimeMs = pages.lifetimeMs;
    this.#shared.connect();
  }

  /** Whether there are pages. Without them, calls have to bring their secrets. */
  get isOpen(): boolean {
    return this.#pages !== undefined;
  }

  /** Forgets all secrets. */
  stop(): void {
    this.#pages = undefined;
    this.#shared.disconnect();
    this.#requests.stop();
  }

  /**
   * Gives a call the secrets that were entered for exactly this call, and takes them back if it does
   * not run.
   *
   * @throws SecretsQuestion to have the door show a person the page, and make the call again.
   * @throws SecretsRequiredError if they have to be entered, and the call be made again.
   * @throws InputError if there are no pages.
   * @throws NotAllowedError if nobody may enter them, somebody declined to, or the time is over.
   * @throws ServiceUnavailableError if other replicas may have the secrets, and cannot be asked.
   */
  async supply(call: Invocation): Promise<void> {
    const { action, answeredSecrets: answered } = call;
    const pages = this.#pages;
    if (!pages) {
      throw new InputError(`Action "${action.id}" requires secrets but none were provided`);
    }
    const binding = this.#bindingOf(call);
    if (answered?.answer === 'decline' || answered?.answer === 'cancel') {
      await this.#shared.close(answered.id, binding);
      call.decide(answered.answer === 'cancel' ? 'needs_secrets_cancelled' : 'needs_secrets_declined');
      const what = answered.answer === 'cancel' ? 'did not decide' : 'declined';
      throw new NotAllowedError(`Action "${action.id}" did not run: the person who was asked for its secrets ${what}`);
    }
    const taken = this.#requests.take(binding);
    const elsewhere = taken ? undefined : await this.#shared.lookElsewhere(binding, principalName(call.credentials));
    if (await this.#use(call, taken ?? (await this.#takeElsewhere(call, binding, elsewhere)))) {
      return;
    }
    if (answered?.answer === 'accept' && !(await this.#shared.find(answered.id))) {
      call.decide('needs_secrets_expired');
      throw new NotAllowedError(
        `Action "${action.id}" did not run: its secrets were not entered in time, or have been used. Make the call anew.`,
      );
    }
    const { request, expiresAt } = await this.#ask(call, binding, elsewhere);
    const secrets = { url: pages.urlOf(request.id), expiresAt };
    if (call.canOpenUrl && !answered) {
      call.decide('needs_secrets_asked');
      throw new SecretsQuestion({ id: request.id, secrets, question: describeQuestion(request) });
    }
    call.decide('needs_secrets_pending');
    throw new SecretsRequiredError(`Action "${action.id}"`, this.#describeWho(request), secrets);
  }

  /** Waits until secrets are entered, or the request is over; see `SecretsRequests`. */
  whenEntered(id: string, options: { signal: AbortSignal; timeoutMs: number }): Promise<boolean> {
    return this.#shared.whenEntered(id, options);
  }

  /** @returns undefined for what there is not, not any more, and never was, alike. */
  find(id: string): Promise<KeptRequest | undefined> {
    return this.#shared.find(id);
  }

  /**
   * Checks what a person has entered, and keeps it for the call.
   *
   * @returns what is wrong with it, in the words of the action's schema, which may repeat it.
   * @throws ConflictError if it has been entered before, or the request is over.
   * @throws ServiceUnavailableError if the action's check does not end in time.
   */
  async enter(id: string, secrets: JsonObject): Promise<readonly SecretsIssue[]> {
    return (await this.#shared.enterElsewhere(id, secrets)) ?? this.#enterHere(id, secrets);
  }

  async #enterHere(id: string, secrets: JsonObject): Promise<readonly SecretsIssue[]> {
    const { request } = this.#requests.find(id) ?? {};
    const checked = request?.check && (await checkInTime(request.check, secrets));
    if (checked && !checked.ok) {
      return checked.issues ?? [{ path: [], message: checked.problems }];
    }
    if (!this.#requests.enter(id, secrets)) {
      throw new ConflictError('The secrets have been entered already, or the time for it is over');
    }
    return [];
  }

  /**
   * Whether a user may enter the secrets of a call: of a person's own call that person, of calls of
   * services those whom configuration names.
   */
  mayEnter({ isOfUser, principal }: Pick<SecretsRequest, 'isOfUser' | 'principal'>, user: string): boolean {
    return isOfUser
      ? user === principal
      : (this.#pages?.users.some(pattern => matchesPrincipal(pattern, user)) ?? false);
  }

  /** Why nobody could enter secrets for calls of a caller; undefined if somebody can. */
  whyNobody({ isOfUser }: Pick<SecretsRequest, 'isOfUser'>): string | undefined {
    const { users } = this.#pages ?? { users: [] };
    return isOfUser || users.length > 0
      ? undefined
      : 'the caller is no user, and mcpActions.secrets.users names nobody who may enter secrets for such callers';
  }

  /** Of those that other replicas have. */
  async #takeElsewhere(
    call: Invocation,
    binding: string,
    elsewhere: HeldElsewhere | undefined,
  ): Promise<TakenSecrets | undefined> {
    for (const holder of elsewhere?.holders ?? []) {
      const taken = await this.#shared.takeFrom(holder, binding, principalName(call.credentials));
      if (taken) {
        return taken;
      }
    }
    return undefined;
  }

  async #use(call: Invocation, taken: TakenSecrets | undefined): Promise<boolean> {
    if (!taken) {
      return false;
    }
    // Used up by the start of the handler, and by nothing else: what still has to be approved needs them again.
    call.whenEnded(({ ran }) => (ran ? undefined : this.#requests.giveBack(taken, lastUseOf(call.approval))));
    // Before the check, whose failure may repeat them.
    call.supplySecrets(taken.given, undefined);
    const { checks } = call.visible;
    const secrets = checks?.secrets ? await checks.secrets(taken.given) : { ok: true as const, value: taken.given };
    if (!secrets.ok) {
      // It was good when it was entered; what is wrong with it could repeat it.
      throw new InputError(`Invalid secrets for action "${call.action.id}"`);
    }
    call.supplySecrets(taken.given, secrets.value);
    call.decide('needs_secrets_supplied');
    return true;
  }

  async #ask(call: Invocation, binding: string, elsewhere: HeldElsewhere | undefined): Promise<KeptRequest> {
    const { action } = call;
    const isOfUser = (call.credentials.principal as { type?: string }).type === 'user';
    const whyNobody = this.whyNobody({ isOfUser });
    if (whyNobody) {
      call.decide('needs_secrets_unavailable');
      throw new NotAllowedError(`Action "${action.id}" needs secrets, and nobody can enter them: ${whyNobody}`);
    }
    if (!(await isRepeatable(call))) {
      call.decide('needs_secrets_unavailable');
      throw new NotAllowedError(
        `Action "${action.id}" fills in values that are different each time, so that nobody can see for what they enter its secrets: give all its arguments`,
      );
    }
    const principal = principalName(call.credentials);
    const open = this.#requests.look(binding, principal).open ?? elsewhere?.open;
    if (open) {
      return open;
    }
    const { input } = describeInput(call.input ?? {}, MAX_ARGUMENT_BYTES, { hides: 'fields' });
    const request = {
      binding,
      principal,
      isOfUser,
      clientId: call.clientId,
      server: call.server,
      agentId: call.agentId === undefined ? undefined : scrubText(call.agentId),
      reason: call.reason === undefined ? undefined : visibleText(scrubText(call.reason), MAX_REASON_CHARACTERS),
      action,
      effect: call.effect,
      environment: this.#environment,
      arguments: (input ?? {}) as JsonValue,
      check: call.visible.checks?.secrets,
    };
    return this.#requests.open(request, elsewhere);
  }

  /** The client counts: the page says which one asks. */
  #bindingOf({ principal, fingerprint, clientId, server, door, given, input }: Invocation): string {
    return bindingOf({
      principal,
      fingerprint,
      arguments: given,
      input,
      key: new Uint8Array(),
      environment: canonicalJson([this.#environment, door, server, clientId]),
    });
  }

  #describeWho({ isOfUser, principal }: SecretsRequest): string {
    return isOfUser ? principal : 'somebody whom mcpActions.secrets.users names';
  }
}

async function checkInTime(check: NonNullable<SecretsRequest['check']>, secrets: JsonObject): Promise<Parsed> {
  const tooLate = AbortSignal.timeout(CHECK_TIMEOUT_MS);
  try {
    return await unlessAborted(Promise.resolve(check(secrets)), tooLate);
  } catch (error) {
    if (tooLate.aborted) {
      throw new ServiceUnavailableError('What you entered cannot be checked at the moment. Try again.');
    }
    throw maskSecrets(error, secrets);
  }
}

/** An approval is good for as long again from the moment when it is given. */
function lastUseOf(approval: Approval | undefined): number | undefined {
  if (approval?.state !== 'pending' && approval?.state !== 'approved') {
    return undefined;
  }
  const expiresAtMs = Date.parse(approval.expiresAt);
  return approval.state === 'pending' ? 2 * expiresAtMs - Date.parse(approval.requestedAt) : expiresAtMs;
}

/** What the person reads in their client before they open the page. */
function describeQuestion({ action, environment }: SecretsRequest): string {
  const names = Object.keys(action.schema.secrets?.properties ?? {});
  const more = names.length > MAX_SHOWN_FIELDS ? [`and ${names.length - MAX_SHOWN_FIELDS} more`] : [];
  const shown = [...names.slice(0, MAX_SHOWN_FIELDS), ...more].map(name => visibleText(name, MAX_SHOWN_CHARACTERS));
  return [
    `${visibleText(action.title, MAX_SHOWN_CHARACTERS)} (${action.id}, in ${visibleText(environment, MAX_SHOWN_CHARACTERS)}) needs secrets${shown.length > 0 ? `: ${shown.join(', ')}` : ''}.`,
    'Enter them on the page of the server. Neither this client nor its model sees them.',
  ].join(' ');
}
