import { type Approval, canonicalJson } from '@callboard/actions-api';
import {
  exactText,
  foreignText,
  type Html,
  html,
  renderLayout,
  renderSignedIn,
  renderTime,
  renderTimeLeft,
} from '@callboard/pages';
import { describeStanding } from './parts.js';

const RELOAD_SECONDS = 30;
/** Of the arguments; all of them are on the page of the approval. */
const BRIEF_CHARACTERS = 120;

/** What waits for a decision, and what was decided lately. */
export function renderListPage(options: {
  pending: readonly Approval[];
  /** Whether there are more than these. */
  hasMore: boolean;
  recent: readonly Approval[];
  version: string;
  principal: string;
  isApprover: boolean;
  pageOf: (approval: Approval) => string;
  accountAt: string;
  eventsAt: string;
  script: string;
  nowMs: number;
}): Html {
  const { pending, hasMore, recent, version, principal, isApprover, pageOf, accountAt, eventsAt, script, nowMs } =
    options;
  const waiting = `${pending.length}${hasMore ? '+' : ''}`;
  const status =
    pending.length === 0
      ? 'Nothing waits for a decision.'
      : `${waiting} ${pending.length === 1 ? 'waits' : 'wait'} for a decision.`;
  return renderLayout({
    title: pending.length > 0 ? `(${waiting}) Approvals` : 'Approvals',
    wide: true,
    script,
    reloadSeconds: RELOAD_SECONDS,
    main: html`
<div id="live" data-events="${eventsAt}" data-version="${version}" data-status="${status}">
<h1 tabindex="-1">Approvals</h1>
${!isApprover && html`<p class="soft">These are your own requests. Others decide about them.</p>`}
<section aria-labelledby="pending"><h2 id="pending">Waiting for a decision</h2>
${
  pending.length === 0
    ? html`<div class="notice"><p>Nothing waits for a decision. What agents ask for appears here by itself.</p></div>`
    : html`<ul class="grants requests">${pending.map(
        approval => html`<li>${renderRequest(approval, pageOf)}
<p class="soft"><small>${renderTimeLeft(approval.expiresAt, nowMs)} left to decide</small></p></li>`,
      )}</ul>`
}
${hasMore && html`<p class="soft">There are more; those that were asked for before follow when these are decided.</p>`}</section>
${
  recent.length > 0 &&
  html`<section aria-labelledby="recent"><h2 id="recent">Lately</h2><ul class="grants requests">${recent.map(
    approval => html`<li>${renderRequest(approval, pageOf)}
<p><small><span class="tag state ${approval.state}">${approval.state}</span> ${describeStanding(approval)} ${renderTime(approval.decidedAt ?? approval.expiresAt)}</small></p></li>`,
  )}</ul></section>`
}
</div>
<p id="news" class="hidden" role="status"></p>`,
    footer: renderSignedIn(principal, accountAt),
  });
}

function renderRequest(approval: Approval, pageOf: (approval: Approval) => string): Html {
  const { request } = approval;
  return html`<h3><a href="${pageOf(approval)}"><bdi>${foreignText(request.title, 200) || 'An action without a title'}</bdi></a></h3>
<p class="soft"><span class="tag effect ${request.effect}">${request.effect}</span> <code>${exactText(request.actionId)}</code> for <b>${exactText(foreignText(request.principal, 255))}</b> in ${exactText(foreignText(request.environment, 120))}</p>
${request.preview?.summary !== undefined && html`<p>${exactText(foreignText(request.preview.summary, 300))}</p>`}
<p><small><code>${exactText(foreignText(canonicalJson(request.arguments), BRIEF_CHARACTERS))}</code></small></p>`;
}
