import type { ActionOptions } from '@callboard/actions-api';
import type { ApprovalDesk } from '../ApprovalDesk.js';
import { type ApprovalsJson, approvalSchema } from '../approvalJson.js';
import { approvalDecidePermission } from '../permissions.js';
import { decisionInputSchema } from './decisionInput.js';

export const approveCall = ({
  desk,
  json,
}: {
  desk: ApprovalDesk;
  json: ApprovalsJson;
}): ActionOptions<typeof decisionInputSchema, typeof approvalSchema> => ({
  name: 'approve',
  title: 'Approve',
  description:
    'Approves a pending call of an action: whoever asked for it can then make exactly this call, once, before the approval expires. Look at the request first (get-pending-approvals). Nobody approves their own request. Fails with ConflictError if somebody has decided before, or it has expired.',
  schema: { input: decisionInputSchema, output: approvalSchema },
  visibilityPermission: approvalDecidePermission,
  capability: 'approvals:decide',
  attributes: { destructive: true, idempotent: false },
  effect: 'execute',
  examples: [
    {
      title: 'Approve with a comment',
      input: { approvalId: 'q83vEjRWeJq83vEjRWeJqw', comment: 'Checked with the owner' },
    },
  ],
  action: async ({ input: { approvalId, comment }, credentials, call: { principal } }) => ({
    output: json.write(
      await desk.decide(credentials, approvalId, { state: 'approved', channel: 'action', comment, principal }),
    ),
  }),
});
