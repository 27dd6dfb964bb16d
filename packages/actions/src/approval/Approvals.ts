import type { LoggerService } from '@backstage/backend-plugin-api';
import { NotAllowedError, ServiceUnavailableError, toError } from '@backstage/errors';
import type { JsonValue } from '@backstage/types';
import {
  type ActionPreview,
  type Approval,
  type ApprovalBook,
  type ApprovalRequest,
  type ApprovalsService,
  canonicalJson,
  capabilityOf,
  describeInput,
  scrubText,
  TooManyRequestsError,
  visibleText,
} from '@callboard/actions-api';
import { noClient } from '../client/noClient.js';
import type { Invocation } from '../invocation/Invocation.js';
import { unlessAborted } from '../unlessAborted.js';
import { ApprovalQuestion, ApprovalRequiredError } from './approvalErrors.js';
import { bindingOf, settledInput } from './bindingOf.js';
import { MemoryApprovals } from './MemoryApprovals.js';

const MAX_ARGUMENT_BYTES = 16_384;
const MAX_PREVIEW_BYTES = 65_536;
const MAX_REASON_CHARACTERS = 1_000;
const MAX_QUESTION_CHARACTERS = 6_000;
const PREVIEW_TIMEOUT_MS = 10_000;

/**
 * How the caller's client answered what it was asked; `unavailable` if it did not, `forged` if it
 * answers what nobody has asked it.
 */
export interface AnsweredApproval {
  readonly approvalId: string;
  readonly answer: 'accept' | 'decline' | 'cancel' | 'unavailable' | 'forged';
}

/**
 * Sees to it that a person approves the calls whose mode demands it: by asking through the caller's
 * client where that is possible, else by an approval that is decided elsewhere.
 */
export class Approvals implements ApprovalsService {
  readonly #environment: string;
  readonly #asksClients: boolean;
  readonly #logger: LoggerService;
  readonly lifetimeMs: number;
  #book: ApprovalBook;
  #isProvided = false;

  constructor(options: {
    environment: string;
    /** Whether the person at the caller's own client may approve. */
    asksClients: boolean;
    lifetimeMs: number;
    /** For as long as no plugin keeps the approvals; made up if there is none. */
    stateKey?: Uint8Array | undefined;
    logger: LoggerService;
  }) {
    this.#environment = options.environment;
    this.#asksClients = options.asksClients;
    this.#logger = options.logger;
    this.lifetimeMs = options.lifetimeMs;
    this.#book = new MemoryApprovals({ lifetimeMs: options.lifetimeMs, stateKey: options.stateKey });
  }

  provide(book: ApprovalBook): void {
    if (this.#isProvided) {
      throw new Error('Another plugin keeps the approvals already');
    }
    this.#isProvided = true;
    this.#book = book;
  }

  get book(): ApprovalBook {
    return this.#book;
  }

  get asksClients(): boolean {
    return this.#asksClients;
  }

  /**
   * Uses up an approval of exactly this call.
   *
   * @throws ApprovalQuestion to have the door ask the client and make the call again with the answer.
   * @throws ApprovalRequiredError if it has to be approved elsewhere.
   * @throws NotAllowedError if it was denied, or if there is nobody to ask.
   */
  async require(call: Invocation): Promise<void> {
    const { action, principal, answered } = call;
    if (answered?.answer === 'forged') {
      call.decide('needs_approval_invalid');
      throw new NotAllowedError(`The answer to a question about "${action.id}" is not from whom the question went to`);
    }
    const binding = bindingOf({
      principal,
      fingerprint: call.fingerprint,
      arguments: call.given,
      input: call.input,
      secrets: call.givenSecrets,
      key: await this.#ask(book => book.stateKey()),
      environment: this.#environment,
    });
    if (answered && answered.answer !== 'unavailable') {
      return this.#takeAnswer(call, binding, answered.approvalId, answered.answer);
    }
    const approved = await this.#ask(book => book.redeem(binding));
    if (approved) {
      return accept(call, approved);
    }

    const canAskClient = this.#asksClients && call.canAsk && !answered;
    // Whoever could decide about such a call elsewhere could decide there about the approval itself.
    const canWait = this.#book.isDurable && capabilityOf(action) !== 'approvals:decide';
    if (!canAskClient && !canWait) {
      call.decide('needs_approval_unavailable');
      throw new NotAllowedError(
        `Action "${action.id}" ${describeDemand(call)}, and there is no way to ask a person: ${this.#whyNobody(call)}. An operator can let such calls run without approval with the mode full_access (${call.rules.mode.config}).`,
      );
    }

    const found = await this.#ask(book => book.find(binding));
    const approval = found ?? (await this.#open(call, binding));
    call.approval = approval;
    if (approval.state === 'denied') {
      call.decide('needs_approval_denied');
      throw new NotAllowedError(describeDenial(action.id, approval));
    }
    if (approval.state === 'approved') {
      // Decided this very moment.
      const redeemed = await this.#ask(book => book.redeem(binding));
      if (redeemed) {
        return accept(call, redeemed);
      }
    }
    if (canAskClient) {
      call.decide('needs_approval_asked');
      throw new ApprovalQuestion(approval, describeQuestion(approval));
    }
    call.decide('needs_approval_pending');
    const url = this.#book.urlOf(approval);
    throw new ApprovalRequiredError(`Action "${action.id}" ${describeDemand(call)}: it`, {
      id: approval.id,
      ...(url && { url }),
      expiresAt: approval.expiresAt,
    });
  }

  async #open(call: Invocation, binding: string): Promise<Approval> {
    if (!(await isRepeatable(call))) {
      call.decide('needs_approval_unavailable');
      throw new NotAllowedError(
        `Action "${call.action.id}" fills in values that are different each time, so that nobody can approve what will run: give all its arguments`,
      );
    }
    const request = await this.#describe(call, binding);
    return this.#ask(book => book.open(request));
  }

  /** What keeps the approvals may be away; why is for the log. */
  async #ask<T>(ask: (book: ApprovalBook) => Promise<T>): Promise<T> {
    try {
      return await ask(this.#book);
    } catch (error) {
      if (error instanceof TooManyRequestsError) {
        throw error;
      }
      this.#logger.error('Approvals cannot be looked up or asked for', toError(error));
      throw new ServiceUnavailableError('Approvals cannot be looked up or asked for at the moment; try again later');
    }
  }

  async #takeAnswer(
    call: Invocation,
    binding: string,
    approvalId: string,
    answer: 'accept' | 'decline' | 'cancel',
  ): Promise<void> {
    const approval =
      (this.#asksClients ? await this.#ask(book => book.answer(approvalId, binding, answer)) : undefined) ??
      // Somebody else may have approved exactly this call while the client asked.
      (answer === 'accept' ? await this.#ask(book => book.redeem(binding)) : undefined);
    if (!approval) {
      call.decide('needs_approval_invalid');
      throw new NotAllowedError(
        `The answer is for no open approval of this call of "${call.action.id}": it is for other arguments, was used before or has expired. Make the call anew.`,
      );
    }
    if (approval.state === 'used') {
      return accept(call, approval);
    }
    call.approval = approval;
    call.decide(answer === 'cancel' ? 'needs_approval_cancelled' : 'needs_approval_declined');
    throw new NotAllowedError(
      answer === 'cancel'
        ? `Action "${call.action.id}" did not run: the person who was asked did not decide`
        : `Action "${call.action.id}" did not run: the person who was asked declined`,
    );
  }

  async #describe(call: Invocation, binding: string): Promise<ApprovalRequest> {
    const { principal, clientId, door, server, action, effect, rules, reason } = call;
    const agentId = call.agentId === undefined ? undefined : scrubText(call.agentId);
    const { input } = describeInput(call.input ?? {}, MAX_ARGUMENT_BYTES, { hides: 'fields' });
    return {
      binding,
      principal,
      clientId,
      agentId,
      door,
      server,
      actionId: action.id,
      title: action.title,
      description: action.description,
      fingerprint: call.fingerprint,
      effect,
      mode: rules.mode.value,
      rule: `${rules.mode.config}: ${rules.mode.value}`,
      reason: reason === undefined ? undefined : visibleText(scrubText(reason), MAX_REASON_CHARACTERS),
      environment: this.#environment,
      arguments: (input ?? {}) as JsonValue,
      preview: await this.#preview(call),
    };
  }

  async #preview(call: Invocation): Promise<ActionPreview | undefined> {
    const { preview } = call.visible;
    if (!preview) {
      return undefined;
    }
    try {
      const signal = AbortSignal.any([call.signal, AbortSignal.timeout(PREVIEW_TIMEOUT_MS)]);
      signal.throwIfAborted();
      const { summary, before, after } = await unlessAborted(
        preview({ input: call.input, secrets: call.secrets, signal, call: call.info, client: noClient }),
        signal,
      );
      const shown = (value: JsonValue | undefined) =>
        value === undefined
          ? undefined
          : (describeInput(value, MAX_PREVIEW_BYTES, { hides: 'fields' }).input as JsonValue);
      const [shownBefore, shownAfter] = [shown(before), shown(after)];
      return {
        ...(summary !== undefined && { summary: visibleText(String(summary), MAX_REASON_CHARACTERS) }),
        ...(shownBefore !== undefined && { before: shownBefore }),
        ...(shownAfter !== undefined && { after: shownAfter }),
      };
    } catch (thrown) {
      const error = toError(call.maskSecretsIn(thrown));
      this.#logger.warn(`No preview of a call of "${call.action.id}" (request id ${call.requestId})`, error);
      return undefined;
    }
  }

  #whyNobody({ canAsk, answered, action }: Invocation): string {
    if (capabilityOf(action) === 'approvals:decide' && this.#book.isDurable) {
      return 'decide on the page of the approvals instead, or use a client that supports elicitation';
    }
    if (!this.#asksClients) {
      return 'asking through the client is off (backend.actions.approval.elicitation), and no plugin keeps approvals';
    }
    if (answered) {
      return 'the client did not answer, and no plugin keeps approvals';
    }
    return canAsk
      ? 'no plugin keeps approvals'
      : 'the client does not support elicitation, and no plugin keeps approvals';
  }
}

/** Whether the same arguments become the same input again; what a schema fills in at random does not. */
export async function isRepeatable({ visible, given, input }: Invocation): Promise<boolean> {
  const again = await visible.checks?.input(given);
  return (
    !again ||
    (again.ok && canonicalJson(settledInput(again.value) ?? null) === canonicalJson(settledInput(input) ?? null))
  );
}

function accept(call: Invocation, approval: Approval): void {
  call.approval = approval;
  call.decide('needs_approval_accepted');
}

function describeDemand({ effect, rules }: Invocation): string {
  return `needs approval (class ${effect}, mode ${rules.mode.value})`;
}

function describeDenial(actionId: string, { decidedBy, comment, expiresAt }: Approval): string {
  const said = comment ? `, who said: ${visibleText(comment, MAX_REASON_CHARACTERS)}` : '';
  return `This call of action "${actionId}" was denied by ${decidedBy}${said}. It is not asked for again before ${expiresAt}.`;
}

/** What the person reads in their client: nothing in it is invisible, and what is cut says so. */
function describeQuestion({ request }: Approval): string {
  const { actionId, title, effect, environment, reason, preview } = request;
  const text = [
    `Approve ${actionId} (${effect})?`,
    '',
    `${title}, in ${environment}`,
    ...(preview?.summary ? [preview.summary] : []),
    ...(reason ? [`The agent says why: ${reason}`] : []),
    '',
    `Arguments: ${JSON.stringify(request.arguments, null, 2)}`,
  ]
    .flatMap(part => part.split('\n'))
    .map(line => visibleText(line, MAX_QUESTION_CHARACTERS))
    .join('\n');
  const missing = text.length - MAX_QUESTION_CHARACTERS;
  return missing <= 0
    ? text
    : `${text.slice(0, MAX_QUESTION_CHARACTERS).toWellFormed()}…\n\nNOT ALL IS SHOWN: ${missing} more characters of the arguments do not fit here. Decline unless you know them.`;
}
