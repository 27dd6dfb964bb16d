import { randomBytes } from 'node:crypto';
import {
  type Approval,
  type ApprovalBook,
  type ApprovalRequest,
  type ClientAnswer,
  TooManyRequestsError,
} from '@callboard/actions-api';

const MAX_PENDING_PER_PRINCIPAL = 50;
const MAX_KEPT = 10_000;

/**
 * Approvals of this process: enough for asking a client that waits for the answer, and no more.
 * What has to outlive the process or be decided elsewhere needs a book of a plugin.
 */
export class MemoryApprovals implements ApprovalBook {
  readonly isDurable = false;
  readonly #key = randomBytes(32);
  readonly #lifetimeMs: number;
  readonly #nowMs: () => number;
  /** In the order of their requests, which is that of their expiry. */
  readonly #byId = new Map<string, Approval>();

  constructor(options: { lifetimeMs: number; nowMs?: () => number }) {
    this.#lifetimeMs = options.lifetimeMs;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  async stateKey(): Promise<Uint8Array> {
    return this.#key;
  }

  async find(binding: string): Promise<Approval | undefined> {
    return this.#findOpen(binding);
  }

  async open(request: ApprovalRequest): Promise<Approval> {
    // Without waiting before it is kept, so that the same call at the same time finds it.
    const open = this.#findOpen(request.binding);
    if (open) {
      return open;
    }
    const pending = [...this.#byId.values()].filter(
      ({ state, request: { principal } }) => state === 'pending' && principal === request.principal,
    );
    if (pending.length >= MAX_PENDING_PER_PRINCIPAL || this.#byId.size >= MAX_KEPT) {
      throw new TooManyRequestsError(
        `${request.principal} has ${pending.length} calls that wait for approval; have some of them decided first`,
      );
    }
    const nowMs = this.#nowMs();
    const approval: Approval = {
      id: randomBytes(16).toString('base64url'),
      state: 'pending',
      request,
      requestedAt: new Date(nowMs).toISOString(),
      expiresAt: new Date(nowMs + this.#lifetimeMs).toISOString(),
    };
    this.#byId.set(approval.id, approval);
    return approval;
  }

  /** None is ever approved ahead of its use here: there is nobody but the client to decide. */
  async redeem(): Promise<undefined> {
    return undefined;
  }

  async answer(id: string, binding: string, answer: ClientAnswer): Promise<Approval | undefined> {
    this.#forgetExpired();
    const approval = this.#byId.get(id);
    if (approval?.state !== 'pending' || approval.request.binding !== binding) {
      return undefined;
    }
    const decided: Approval = {
      ...approval,
      state: answer === 'accept' ? 'used' : 'denied',
      decidedAt: new Date(this.#nowMs()).toISOString(),
      decidedBy: approval.request.principal,
      channel: 'client',
    };
    // Kept until it would have expired, so that a second answer finds it decided.
    this.#byId.set(id, decided);
    return decided;
  }

  urlOf(): undefined {
    return undefined;
  }

  #findOpen(binding: string): Approval | undefined {
    this.#forgetExpired();
    return [...this.#byId.values()].findLast(
      ({ request, state }) => request.binding === binding && (state === 'pending' || state === 'approved'),
    );
  }

  #forgetExpired(): void {
    const nowMs = this.#nowMs();
    for (const [id, { expiresAt }] of this.#byId) {
      if (Date.parse(expiresAt) > nowMs) {
        return;
      }
      this.#byId.delete(id);
    }
  }
}
