import { CustomErrorBase } from '@backstage/errors';
import type { Approval } from '@callboard/actions-api';

/** The call has to wait for a person, who can be asked through the caller's client. */
export class ApprovalQuestion extends CustomErrorBase {
  override name = 'ApprovalQuestion' as const;
  readonly approval: Approval;
  /** For the person: what is to run, and why they are asked. */
  readonly question: string;

  constructor(approval: Approval, question: string) {
    super('This call waits for the answer of a person');
    this.approval = approval;
    this.question = question;
  }
}

/** What a caller needs to have a call approved that was refused for want of it. */
export interface PendingApproval {
  readonly id: string;
  /** The page on which a person decides. */
  readonly url?: string;
  /** ISO 8601, UTC. */
  readonly expiresAt: string;
}

/** The call has to be approved by a person, and made again after that. */
export class ApprovalRequiredError extends CustomErrorBase {
  override name = 'ApprovalRequiredError' as const;
  readonly approval: PendingApproval;

  constructor(subject: string, approval: PendingApproval) {
    super(
      [
        `${subject} has to be approved by a person first.`,
        approval.url ? `Ask for it at ${approval.url} (approval ${approval.id}).` : `Approval ${approval.id}.`,
        `Once it is approved, make the same call again with the same arguments, before ${approval.expiresAt}.`,
      ].join(' '),
    );
    this.approval = approval;
  }
}
