import { randomUUID } from 'node:crypto';
import type { BackstageCredentials } from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { JsonObject } from '@backstage/types';
import {
  type ActionCall,
  type ActionCallInfo,
  type ActionDoor,
  type ActionEffect,
  type Approval,
  type AuditEntry,
  type CallClient,
  type ContentBlock,
  effectOf,
  fingerprintOf,
  principalName,
  type SafetyMode,
} from '@callboard/actions-api';
import type { AnsweredApproval } from '../approval/Approvals.js';
import { CallAbort, type CallSignal, toAbortSignal } from '../CallSignal.js';
import type { VisibleAction } from '../catalogue/VisibleAction.js';
import { noClient } from '../client/noClient.js';
import type { CallerRules } from '../policy/CallPolicy.js';
import { maskSecrets } from '../secrets/maskSecrets.js';
import type { AnsweredSecrets } from '../secrets/SecretsDesk.js';

/** One call on its way through the steps. */
export class Invocation implements ActionCall {
  readonly requestId = randomUUID();
  /** What the caller asked for, in the words of the door: an action id or a tool name. */
  readonly name: string;
  readonly find: () => Promise<VisibleAction | undefined>;
  readonly credentials: BackstageCredentials;
  readonly principal: string;
  readonly door: ActionDoor;
  readonly server: string | undefined;
  readonly scopes: readonly string[] | undefined;
  readonly clientId: string | undefined;
  readonly profile?: string;
  readonly agentId: string | undefined;
  /** Why the agent makes the call, in its own words. */
  readonly reason: string | undefined;
  /** The client behind the call, for the handler. */
  readonly client: CallClient;
  /** Whether the door can ask a person through the caller's client. */
  readonly canAsk: boolean;
  /** What came of asking. */
  readonly answered: AnsweredApproval | undefined;
  /** Whether it answers questions of a call that does not wait for them, or not any more. */
  readonly isLate: boolean;
  /** Whether people can enter the secrets that a call at this door does not bring. */
  readonly takesSecrets: boolean;
  /** Whether the door can show a person a page through the caller's client. */
  readonly canOpenUrl: boolean;
  /** What came of showing the page for its secrets. */
  readonly answeredSecrets: AnsweredSecrets | undefined;
  /** Says that nobody waits for the call any more. */
  readonly ending: CallSignal;
  /** The input as it came. */
  readonly given: unknown;
  /** The secrets as they came, with the call or from a page. */
  givenSecrets: unknown;
  input: unknown;
  secrets: unknown;
  /** Set when the call is recorded as about to run. */
  entry: AuditEntry | undefined;
  /** The one that the call asked for or used. */
  approval: Approval | undefined;
  output: unknown;
  /** What the handler returned besides the output, for MCP clients. */
  content: readonly ContentBlock[] | undefined;
  readonly startedAt = new Date().toISOString();
  #rules: CallerRules | undefined;
  #visible: VisibleAction | undefined;
  #effect: ActionEffect | undefined;
  #decision: string | undefined;
  #entered: JsonObject | undefined;
  /** Whether the handler has been started. */
  hasRun = false;
  #listeners: ((end: { ran: boolean }) => void | Promise<void>)[] = [];

  constructor(options: {
    name: string;
    /** Looks the action up for this caller; undefined if they may not see it. */
    find: () => Promise<VisibleAction | undefined>;
    input: unknown;
    secrets?: unknown;
    credentials: BackstageCredentials;
    door: ActionDoor;
    server?: string;
    scopes?: readonly string[];
    clientId?: string;
    profile?: string;
    agentId?: string;
    reason?: string;
    client?: CallClient;
    canAsk?: boolean;
    answered?: AnsweredApproval;
    isLate?: boolean;
    takesSecrets?: boolean;
    canOpenUrl?: boolean;
    answeredSecrets?: AnsweredSecrets;
    signal?: CallSignal;
  }) {
    this.name = options.name;
    this.find = options.find;
    this.given = options.input;
    this.input = options.input;
    this.secrets = options.secrets;
    this.givenSecrets = options.secrets;
    this.credentials = options.credentials;
    this.principal = principalName(options.credentials);
    this.door = options.door;
    this.server = options.server;
    this.scopes = options.scopes;
    this.clientId = options.clientId;
    this.agentId = options.agentId;
    if (options.profile !== undefined) {
      this.profile = options.profile;
    }
    this.reason = options.reason;
    this.client = options.client ?? noClient;
    this.canAsk = options.canAsk ?? false;
    this.answered = options.answered;
    this.isLate = options.isLate ?? false;
    this.takesSecrets = options.takesSecrets ?? false;
    this.canOpenUrl = options.canOpenUrl ?? false;
    this.answeredSecrets = options.answeredSecrets;
    this.ending = options.signal ?? new CallAbort();
  }

  get signal(): AbortSignal {
    return toAbortSignal(this.ending);
  }

  /** Set by the first step. */
  set visible(visible: VisibleAction) {
    this.#visible = visible;
  }

  get visible(): VisibleAction {
    if (!this.#visible) {
      throw new Error(`"${this.name}" has not been looked up yet`);
    }
    return this.#visible;
  }

  get action(): ActionsServiceAction {
    return this.visible.descriptor;
  }

  get fingerprint(): string {
    return fingerprintOf(this.action);
  }

  get effect(): ActionEffect {
    return this.#effect ?? effectOf(this.action);
  }

  set effect(effect: ActionEffect) {
    this.#effect = effect;
  }

  set rules(rules: CallerRules) {
    this.#rules = rules;
  }

  get rules(): CallerRules {
    if (!this.#rules) {
      throw new Error(`The rules for "${this.name}" have not been looked up yet`);
    }
    return this.#rules;
  }

  get mode(): SafetyMode {
    return this.rules.mode.value;
  }

  /** For the handler. */
  get info(): ActionCallInfo {
    const { requestId, mode, principal, clientId, door, server, scopes } = this;
    return { requestId, mode, principal, clientId, door, server, scopes };
  }

  /** Gives the call secrets that a person has entered. */
  supplySecrets(given: JsonObject, secrets: unknown): void {
    this.givenSecrets = given;
    this.secrets = secrets;
    this.#entered = given;
  }

  /**
   * Takes secrets that a person has entered out of what whoever was given them has thrown.
   *
   * @returns what to go on with instead.
   */
  maskSecretsIn(thrown: unknown): unknown {
    return this.#entered ? maskSecrets(thrown, this.#entered) : thrown;
  }

  decide(decision: string): void {
    this.#decision = decision;
  }

  get decision(): string | undefined {
    return this.#decision;
  }

  whenEnded(listener: (end: { ran: boolean }) => void | Promise<void>): void {
    this.#listeners.push(listener);
  }

  /** @returns what failed, for the log. */
  async tellEnded(): Promise<unknown[]> {
    if (this.#listeners.length === 0) {
      return [];
    }
    const ended = await Promise.allSettled(this.#listeners.map(async listener => listener({ ran: this.hasRun })));
    return ended.flatMap(result => (result.status === 'rejected' ? [result.reason] : []));
  }

  /** As `action`, for those who report on a call that may have failed in the first step. */
  get foundAction(): ActionsServiceAction | undefined {
    return this.#visible?.descriptor;
  }

  /** As `rules`, for those who report on a call that may have failed in the first step. */
  get foundRules(): CallerRules | undefined {
    return this.#rules;
  }
}
