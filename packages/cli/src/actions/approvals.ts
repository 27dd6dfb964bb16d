import type { CallToolResult } from '@modelcontextprotocol/client';

/** What a server says of a call that a person has to approve elsewhere. */
export interface PendingApproval {
  readonly id: string;
  readonly url?: string;
  readonly expiresAt?: string;
}

export function findPendingApproval({ _meta }: CallToolResult): PendingApproval | undefined {
  const approval = _meta?.['callboard/approval'] as Partial<PendingApproval> | undefined;
  return typeof approval?.id === 'string'
    ? {
        id: approval.id,
        ...(typeof approval.url === 'string' && { url: approval.url }),
        ...(typeof approval.expiresAt === 'string' && { expiresAt: approval.expiresAt }),
      }
    : undefined;
}
