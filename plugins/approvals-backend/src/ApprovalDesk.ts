import type { AuditorService, BackstageCredentials, PermissionsService } from '@backstage/backend-plugin-api';
import { ConflictError, NotAllowedError, NotFoundError, toError } from '@backstage/errors';
import { AuthorizeResult, type BasicPermission } from '@backstage/plugin-permission-common';
import {
  type Approval,
  type ApprovalState,
  matchesPrincipal,
  principalName,
  visibleText,
} from '@callboard/actions-api';
import type { ApprovalPosition, Decision, SqlApprovals } from './database/SqlApprovals.js';
import { approvalDecidePermission, approvalReadPermission } from './permissions.js';

export const MAX_COMMENT_CHARACTERS = 1_000;

/** Why somebody may not decide about an approval. */
export type Hindrance = 'not-an-approver' | 'own-request';

/** Somebody who looks at approvals. */
export interface Viewer {
  readonly principal: string;
  /** Sees the requests of others, and may decide about them. */
  readonly isApprover: boolean;
}

/** The rules by which people and operators read approvals and decide about them. */
export class ApprovalDesk {
  readonly #records: Pick<SqlApprovals, 'findById' | 'list' | 'decide'>;
  readonly #permissions: PermissionsService;
  readonly #auditor: AuditorService;
  readonly #approvers: readonly string[];
  readonly #selfApproval: boolean;

  /**
   * @param options.approvers - patterns of principals; they need the permission `approval.decide` as well.
   * @param options.selfApproval - whether people may decide on the page about what they asked for themselves.
   */
  constructor(options: {
    records: Pick<SqlApprovals, 'findById' | 'list' | 'decide'>;
    permissions: PermissionsService;
    auditor: AuditorService;
    approvers: readonly string[];
    selfApproval: boolean;
  }) {
    this.#records = options.records;
    this.#permissions = options.permissions;
    this.#auditor = options.auditor;
    this.#approvers = options.approvers;
    this.#selfApproval = options.selfApproval;
  }

  /**
   * @param principal - who it is, where the credentials are those of whoever passed a call on.
   * @throws NotAllowedError without the permission to read approvals.
   */
  async admit(credentials: BackstageCredentials, principal = principalName(credentials)): Promise<Viewer> {
    const isNamed = this.#approvers.some(pattern => matchesPrincipal(pattern, principal));
    const [mayRead, mayDecide] = await this.#ask(credentials, [approvalReadPermission, approvalDecidePermission]);
    if (!mayRead) {
      throw new NotAllowedError(`Reading approvals needs the permission ${approvalReadPermission.name}`);
    }
    return { principal, isApprover: isNamed && mayDecide === true };
  }

  /** Lists what the viewer may see, newest first: approvers all, others their own requests. */
  list(viewer: Viewer, query: { state?: ApprovalState; after?: ApprovalPosition; limit: number }): Promise<Approval[]> {
    return this.#records.list({ ...query, ...(!viewer.isApprover && { principal: viewer.principal }) });
  }

  /** @throws NotFoundError if there is none, or none that the viewer may see. */
  async get(viewer: Viewer, id: string): Promise<Approval> {
    const approval = await this.#records.findById(id);
    if (!approval || (!viewer.isApprover && approval.request.principal !== viewer.principal)) {
      throw new NotFoundError(`There is no approval "${visibleText(id, 40)}"`);
    }
    return approval;
  }

  /** @returns undefined if the viewer may decide about it. */
  hindranceOf(viewer: Viewer, approval: Approval, channel: Decision['channel']): Hindrance | undefined {
    if (!viewer.isApprover) {
      return 'not-an-approver';
    }
    const isOwn = approval.request.principal === viewer.principal;
    return isOwn && !(channel === 'page' && this.#selfApproval) ? 'own-request' : undefined;
  }

  /**
   * Decides about a pending approval, with an audit event, whatever comes of it.
   *
   * @param decision.principal - as for `admit`.
   * @throws NotAllowedError if it is not the viewer's to decide.
   * @throws ConflictError if it was decided, used or has expired before.
   */
  async decide(
    credentials: BackstageCredentials,
    id: string,
    {
      comment,
      principal = principalName(credentials),
      ...decision
    }: Pick<Decision, 'state' | 'channel' | 'comment'> & { principal?: string },
  ): Promise<Approval> {
    const event = await this.#auditor.createEvent({
      eventId: 'approval-decision',
      severityLevel: 'high',
      meta: { approvalId: visibleText(id, 40), principal, decision: decision.state, channel: decision.channel },
    });
    try {
      const viewer = await this.admit(credentials, principal);
      const approval = await this.get(viewer, id);
      const { actionId, principal: requestedBy } = approval.request;
      const hindrance = this.hindranceOf(viewer, approval, decision.channel);
      if (hindrance) {
        throw new NotAllowedError(describeHindrance(hindrance));
      }
      const said = readComment(comment);
      const decided = await this.#records.decide(id, {
        ...decision,
        decidedBy: principal,
        ...(said !== '' && { comment: said }),
      });
      if (!decided) {
        throw new ConflictError(describeState(await this.get(viewer, id)));
      }
      await event.success({ meta: { actionId, requestedBy } });
      return decided;
    } catch (error) {
      await event.fail({ error: toError(error) });
      throw error;
    }
  }

  async #ask(credentials: BackstageCredentials, permissions: BasicPermission[]): Promise<boolean[]> {
    const decisions = await this.#permissions.authorize(
      permissions.map(permission => ({ permission })),
      { credentials },
    );
    return decisions.map(({ result }) => result === AuthorizeResult.ALLOW);
  }
}

/** One line, nothing in it unseen. */
function readComment(comment = ''): string {
  return visibleText(comment.trim().replace(/\s*[\r\n]+\s*/g, ' '), MAX_COMMENT_CHARACTERS);
}

function describeHindrance(hindrance: Hindrance): string {
  return hindrance === 'own-request'
    ? 'You asked for this yourself, so somebody else has to decide'
    : `Deciding about approvals needs the permission ${approvalDecidePermission.name} and an entry in approvals.approvers`;
}

function describeState({ id, state, decidedBy, decidedAt, expiresAt }: Approval): string {
  const decision = `by ${decidedBy} at ${decidedAt}`;
  switch (state) {
    case 'approved':
      return `Approval ${id} was approved already, ${decision}`;
    case 'denied':
      return `Approval ${id} was denied already, ${decision}`;
    case 'used':
      return `Approval ${id} is used: it was approved ${decision}, and the call was made`;
    default:
      return `Approval ${id} expired at ${expiresAt}${decidedBy === undefined ? ', before anybody decided' : ` unused; it was approved ${decision}`}`;
  }
}
