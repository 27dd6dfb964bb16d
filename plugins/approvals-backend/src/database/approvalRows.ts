import type { Approval, ApprovalChannel, ApprovalRequest, ApprovalState } from '@callboard/actions-api';

export interface ApprovalRow {
  id: string;
  binding: string;
  open_binding: string | null;
  principal_hash: string;
  state: ApprovalState;
  request: string;
  requested_at: string;
  expires_at: string;
  decided_at: string | null;
  decided_by: string | null;
  channel: ApprovalChannel | null;
  comment: string | null;
}

/** @param now - ISO 8601; what is too late by then has expired, whether that has been noted or not. */
export function toApproval(row: ApprovalRow, now: string): Approval {
  const request: ApprovalRequest = JSON.parse(row.request);
  const isOpen = row.state === 'pending' || row.state === 'approved';
  return {
    id: row.id,
    state: isOpen && row.expires_at <= now ? 'expired' : row.state,
    request,
    requestedAt: row.requested_at,
    expiresAt: row.expires_at,
    ...(row.decided_at !== null && { decidedAt: row.decided_at }),
    // At the caller's own client there is nobody but the caller.
    ...(row.channel === 'client' && { decidedBy: request.principal }),
    ...(row.decided_by !== null && { decidedBy: row.decided_by }),
    ...(row.channel !== null && { channel: row.channel }),
    ...(row.comment !== null && { comment: row.comment }),
  };
}
