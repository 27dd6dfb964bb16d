import type { ActionOptions } from '@callboard/actions-api';
import type { ApprovalDesk } from '../ApprovalDesk.js';
import { type ApprovalsJson, approvalSchema } from '../approvalJson.js';
import { approvalDecidePermission } from '../permissions.js';
import { decisionInputSchema } from './decisionInput.js';

export const denyCall = ({
  desk,
  json,
}: {
  desk: ApprovalDesk;
  json: ApprovalsJson;
}): ActionOptions<typeof decisionInputSchema, typeof approvalSchema> => ({
  name: 'deny',
  title: 'Deny',
  description:
    'Denies a pending call of an action: it does not run, and the same call is not asked for again until the approval would have expired. A comment tells whoever asked why. Nobody denies their own request. Fails with ConflictError if somebody has decided before, or it has expired.',
  schema: { input: decisionInputSchema, output: approvalSchema },
  visibilityPermission: approvalDecidePermission,
  capability: 'approvals:decide',
  attributes: { destructive: false, idempotent: false },
  effect: 'update',
  examples: [
    { title: 'Deny with a reason', input: { approvalId: 'q83vEjRWeJq83vEjRWeJqw', comment: 'Not during the release' } },
  ],
  action: async ({ input: { approvalId, comment }, credentials, call: { principal } }) => ({
    output: json.write(
      await desk.decide(credentials, approvalId, { state: 'denied', channel: 'action', comment, principal }),
    ),
  }),
});
