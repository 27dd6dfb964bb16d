import { randomUUID } from 'node:crypto';
import type { BackstageCredentials } from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import { type ActionCall, type ActionDoor, type ActionEffect, type AuditEntry, effectOf } from '@callboard/actions-api';
import type { VisibleAction } from '../catalogue/VisibleAction.js';

/** One call on its way through the steps. */
export class Invocation implements ActionCall {
  readonly requestId = randomUUID();
  /** What the caller asked for, in the words of the door: an action id or a tool name. */
  readonly name: string;
  readonly find: () => Promise<VisibleAction | undefined>;
  readonly credentials: BackstageCredentials;
  readonly door: ActionDoor;
  readonly server: string | undefined;
  readonly scopes: readonly string[] | undefined;
  readonly clientId: string | undefined;
  readonly signal: AbortSignal;
  input: unknown;
  secrets: unknown;
  /** Set when the call is recorded as about to run. */
  entry: AuditEntry | undefined;
  output: unknown;
  readonly startedAt = new Date().toISOString();
  #visible: VisibleAction | undefined;
  #effect: ActionEffect | undefined;
  #decision: string | undefined;

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
    signal?: AbortSignal;
  }) {
    this.name = options.name;
    this.find = options.find;
    this.input = options.input;
    this.secrets = options.secrets;
    this.credentials = options.credentials;
    this.door = options.door;
    this.server = options.server;
    this.scopes = options.scopes;
    this.clientId = options.clientId;
    this.signal = options.signal ?? new AbortController().signal;
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

  get effect(): ActionEffect {
    return this.#effect ?? effectOf(this.action);
  }

  set effect(effect: ActionEffect) {
    this.#effect = effect;
  }

  decide(decision: string): void {
    this.#decision = decision;
  }

  get decision(): string | undefined {
    return this.#decision;
  }

  /** As `action`, for those who report on a call that may have failed in the first step. */
  get foundAction(): ActionsServiceAction | undefined {
    return this.#visible?.descriptor;
  }
}
