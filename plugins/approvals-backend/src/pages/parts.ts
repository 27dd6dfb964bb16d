import type { Approval } from '@callboard/actions-api';
import { foreignText, type Html, html } from '@callboard/pages';
import { inWords } from './inWords.js';

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

export function renderTime(iso: string): Html {
  const shown = new Date(iso).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });
  return html`<time datetime="${iso}">${shown} UTC</time>`;
}

/** What the script of the pages counts down. */
export function renderTimeLeft(iso: string, nowMs: number): Html {
  return html`<time datetime="${iso}" data-left>${inWords(Date.parse(iso) - nowMs)}</time>`;
}

export function renderSignedIn(principal: string, accountAt: string): Html {
  return html`Signed in as <b>${foreignText(principal, 255)}</b>. <a href="${accountAt}">Not you?</a>`;
}
