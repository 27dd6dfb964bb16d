import { randomBytes } from 'node:crypto';
import {
  type Approval,
  type ApprovalBook,
  type ApprovalRequest,
  type ClientAnswer,
  TooManyRequestsError,
} from '@callboard/actions-api';

const MAX_PENDING_PER_PRINCIPAL = 50;
const MAX_PENDING = 10_000;

/**
 * Approvals of this process: enough for asking a client that waits for the answer, and no more.
 * What has to outlive the process or be decided elsewhere needs a book of a plugin.
 */
export class MemoryApprovals implements ApprovalBook {
  readonly isDurable = false;
  readonly #key: Uint8Array;
  readonly #lifetimeMs: number;
  readonly #nowMs: () => number;
  /** Those that are pending, in the order of their requests, which is that of their expiry. */
  readonly #byId = new Map<string, Approval>();

  constructor(options: {
    lifetimeMs: number;
    nowMs?: () => number;
    /** Where other processes have to know what is signed here. */
    stateKey?: Uint8Array | undefined;
  }) {
    this.#key = options.stateKey ?? randomBytes(32);
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
    const own = [...this.#byId.values()].filter(({ request: { principal } }) => principal === request.principal);
    if (own.length >= MAX_PENDING_PER_PRINCIPAL) {
      throw new TooManyRequestsError(
        `${request.principal} has ${own.length} calls that wait for approval; have some of them decided first`,
      );
    }
    if (this.#byId.size >= MAX_PENDING) {
      throw new TooManyRequestsError('Too many calls of all callers wait for approval; try again later');
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
    if (approval?.request.binding !== binding) {
      return undefined;
    }
    // What is decided is forgotten, so that nothing can be made of it a second time.
    this.#byId.delete(id);
    return {
      ...approval,
      state: answer === 'accept' ? 'used' : 'denied',
      decidedAt: new Date(this.#nowMs()).toISOString(),
      decidedBy: approval.request.principal,
      channel: 'client',
    };
  }

  urlOf(): undefined {
    return undefined;
  }

  #findOpen(binding: string): Approval | undefined {
    this.#forgetExpired();
    return [...this.#byId.values()].find(({ request }) => request.binding === binding);
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
