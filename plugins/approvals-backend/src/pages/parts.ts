import type { Approval } from '@callboard/actions-api';
import { foreignText } from '@callboard/pages';

/** How an approval stands, in a sentence. */
export function describeStanding({ state, decidedBy, channel }: Approval): string {
  const who = foreignText(decidedBy ?? '', 255);
  switch (state) {
    case 'pending':
      return 'Waits for a decision.';
    case 'approved':
      return `Approved by ${who}. The agent can make the call now.`;
    case 'denied':
      return `Denied by ${who}. The call does not run.`;
    case 'used':
      return channel === 'client'
        ? `Approved by ${who} and used: the call was let through.`
        : `Approved by ${who} and used: the call was made.`;
    default:
      return decidedBy === undefined
        ? 'Expired: nobody decided in time.'
        : `Expired: approved by ${who}, but the call was not made in time.`;
  }
}
