import { type BackendFeature, createBackendPlugin } from '@backstage/backend-plugin-api';
import {
  type Approval,
  type ApprovalBook,
  type ApprovalRequest,
  approvalsServiceRef,
  type ClientAnswer,
} from '@callboard/actions-api';

/** Approvals that tests decide, as people would on a page. Nothing expires here, whatever the approvals say. */
export class ApprovalDesk implements ApprovalBook {
  readonly isDurable = true;
  /** Of the approvals to come. */
  expiresAt = '2099-01-01T00:00:00.000Z';
  /** In the order of their requests. */
  readonly all: Approval[] = [];

  get pending(): Approval[] {
    return this.all.filter(({ state }) => state === 'pending');
  }

  /** Decides the only one that is pending. */
  decide(state: 'approved' | 'denied', comment?: string): Approval {
    const [pending, ...more] = this.pending;
    if (!pending || more.length > 0) {
      throw new Error(`Expected one pending approval, got ${this.pending.length}`);
    }
    return this.#change(pending, {
      state,
      decidedBy: 'user:default/operator',
      channel: 'page',
      ...(comment && { comment }),
    });
  }

  async stateKey(): Promise<Uint8Array> {
    return new Uint8Array(32).fill(7);
  }

  async find(binding: string): Promise<Approval | undefined> {
    return this.all.findLast(
      ({ request, state, channel }) =>
        request.binding === binding && state !== 'used' && !(state === 'denied' && channel === 'client'),
    );
  }

  async open(request: ApprovalRequest): Promise<Approval> {
    const found = await this.find(request.binding);
    if (found) {
      return found;
    }
    const approval: Approval = {
      id: `approval-${this.all.length + 1}`,
      state: 'pending',
      request,
      requestedAt: '2027-01-01T00:00:00.000Z',
      expiresAt: this.expiresAt,
    };
    this.all.push(approval);
    return approval;
  }

  async redeem(binding: string): Promise<Approval | undefined> {
    const approved = this.all.find(({ request, state }) => request.binding === binding && state === 'approved');
    return approved && this.#change(approved, { state: 'used' });
  }

  async answer(id: string, binding: string, answer: ClientAnswer): Promise<Approval | undefined> {
    const pending = this.pending.find(({ id: pendingId, request }) => pendingId === id && request.binding === binding);
    return (
      pending &&
      this.#change(pending, {
        state: answer === 'accept' ? 'used' : 'denied',
        decidedBy: pending.request.principal,
        channel: 'client',
      })
    );
  }

  urlOf({ id }: Approval): string {
    return `https://callboard.example.com/approvals/${id}`;
  }

  #change(approval: Approval, changes: Partial<Approval>): Approval {
    const changed = { ...approval, ...changes };
    this.all[this.all.indexOf(approval)] = changed;
    return changed;
  }
}

/** A plugin that has approvals kept by a desk. */
export function approvalDeskPlugin(desk: ApprovalDesk): BackendFeature {
  return createBackendPlugin({
    pluginId: 'approval-desk',
    register(env) {
      env.registerInit({
        deps: { approvals: approvalsServiceRef },
        async init({ approvals }) {
          approvals.provide(desk);
        },
      });
    },
  });
}
