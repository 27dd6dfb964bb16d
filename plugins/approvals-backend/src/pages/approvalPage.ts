import { type ActionPreview, type Approval, type ApprovalRequest, effectMeanings } from '@callboard/actions-api';
import {
  Allowance,
  exactText,
  type FormTarget,
  fieldsOf,
  foreignText,
  type Html,
  hiddenFields,
  html,
  renderFields,
  renderLayout,
  renderSignedIn,
  renderTime,
  renderTimeLeft,
} from '@callboard/pages';
import { type Hindrance, MAX_COMMENT_CHARACTERS } from '../ApprovalDesk.js';
import { renderChanges } from './fieldList.js';
import { compareFields } from './fields.js';
import { describeStanding } from './parts.js';

/** Without scripts; with them the server says when there is something new. */
const RELOAD_SECONDS = 30;

/** What somebody decides about, and how to. */
export function renderApprovalPage(options: {
  approval: Approval;
  /** Of what is shown, for the script. */
  version: string;
  principal: string;
  /** Where to send the decision; absent if it is not theirs to decide. */
  decision: FormTarget | undefined;
  hindrance: Hindrance | undefined;
  listAt: string;
  accountAt: string;
  eventsAt: string;
  script: string;
  nowMs: number;
}): Html {
  const { approval, version, principal, decision, hindrance, listAt, accountAt, eventsAt, script, nowMs } = options;
  const { request, state } = approval;
  const allowance = new Allowance();
  const preview = request.preview && renderPreview(request.preview, allowance);
  const given = renderFields(fieldsOf(request.arguments), allowance);
  const isPending = state === 'pending';
  const title = foreignText(request.title, 200) || request.actionId;
  return renderLayout({
    title: isPending ? `Approve? ${title}` : title,
    wide: true,
    script,
    ...((isPending || state === 'approved') && { reloadSeconds: RELOAD_SECONDS }),
    main: html`
<div id="live" data-events="${eventsAt}" data-version="${version}" data-status="${describeStanding(approval)}">
<p class="crumb"><a href="${listAt}">Approvals</a></p>
<h1 tabindex="-1">${isPending ? html`Approve “<bdi>${title}</bdi>”?` : html`<bdi>${title}</bdi>`}</h1>
<p class="soft"><code>${exactText(request.actionId)}</code></p>
${renderStanding(approval)}
<dl>
<div><dt>Who asks</dt><dd><b>${exactText(request.principal)}</b>${renderAgent(approval)}</dd></div>
<div><dt>Where</dt><dd><b>${exactText(request.environment)}</b>${request.server !== undefined && html`<small>server <code>${exactText(request.server)}</code></small>`}</dd></div>
<div><dt>What it does</dt><dd><span class="tag effect ${request.effect}">${request.effect}</span> ${effectMeanings[request.effect]}<small class="about">${exactText(allowance.takeText(request.description))}</small></dd></div>
<div><dt>Why you are asked</dt><dd>mode <code>${request.mode}</code> asks a person<small><code>${exactText(request.rule)}</code></small></dd></div>
${request.reason !== undefined && html`<div><dt>The agent’s reason</dt><dd><blockquote>${exactText(allowance.takeText(request.reason))}</blockquote><small>Its own words. Nobody has checked them.</small></dd></div>`}
<div><dt>When</dt><dd>${renderTime(approval.requestedAt)}${(isPending || state === 'approved') && html`<small>${renderTimeLeft(approval.expiresAt, nowMs)} left${isPending ? ' to decide' : ' to make the call'}, until ${renderTime(approval.expiresAt)}</small>`}</dd></div>
</dl>
${preview && html`<section aria-labelledby="preview"><h2 id="preview">What would change</h2>${preview}</section>`}
<section aria-labelledby="arguments"><h2 id="arguments">Arguments</h2>
<p class="soft"><small>As the call has them. Secrets show as <code>***</code>, and what cannot be seen as a mark such as <i class="esc">\\u{200b}</i>.</small></p>
${given}</section>
${(allowance.isExceeded || isCut(request)) && html`<div class="notice warn"><p><b>This is not all.</b> The request is longer than what can be shown here. Deny it if you would have to see the rest.</p></div>`}
${isPending && (decision ? renderForm(decision) : renderHindrance(hindrance))}
</div>
<p id="news" class="hidden" role="status"></p>`,
    footer: renderSignedIn(principal, accountAt),
  });
}

/** Whether the core has left something out; an agent that writes the same only makes its own call look worse. */
function isCut({ arguments: given, preview }: ApprovalRequest): boolean {
  return /…\[cut(: | \d+ characters\])/.test(JSON.stringify([given, preview]));
}

function renderAgent({ request }: Approval): Html {
  const { agentId, clientId, door } = request;
  const doors = { mcp: 'MCP', http: 'HTTP', 'in-process': 'a plugin of this server' };
  return html`<small>through ${doors[door] ?? door}${clientId !== undefined && html`, client <code>${exactText(clientId)}</code>`}</small>
${agentId !== undefined && html`<small>The agent calls itself <b><bdi>“${exactText(agentId)}”</bdi></b>. Nobody has checked that.</small>`}`;
}

function renderPreview({ summary, before, after }: ActionPreview, allowance: Allowance): Html {
  const [old, young] = [before ?? undefined, after ?? undefined];
  return html`
${summary !== undefined && html`<p class="summary">${exactText(allowance.takeText(summary))}</p>`}
${before === null && html`<p class="notice">This does not exist yet.</p>`}
${after === null && html`<p class="notice warn"><b>Afterwards it would be gone.</b></p>`}
${
  old !== undefined && young !== undefined
    ? renderChanges(compareFields(old, young), allowance)
    : [
        old !== undefined &&
          renderChanges(
            fieldsOf(old).map(({ path, value }) => ({ path, kind: 'removed', before: value })),
            allowance,
          ),
        young !== undefined &&
          renderChanges(
            fieldsOf(young).map(({ path, value }) => ({ path, kind: 'added', after: value })),
            allowance,
          ),
      ]
}`;
}

function renderStanding(approval: Approval): Html | undefined {
  const { state, comment, channel, decidedAt } = approval;
  if (state === 'pending') {
    return undefined;
  }
  const channels = { client: 'in the agent’s client', page: 'on this page', rest: 'over REST', action: 'by an action' };
  const isGood = state === 'approved' || state === 'used';
  return html`<div class="notice standing ${isGood ? 'good' : 'warn'}"><p><b>${describeStanding(approval)}</b></p>
${decidedAt !== undefined && html`<p><small>${renderTime(decidedAt)}${channel && html`, ${channels[channel]}`}</small></p>`}
${comment !== undefined && html`<blockquote>${exactText(comment)}</blockquote>`}</div>`;
}

function renderForm(decision: FormTarget): Html {
  return html`<form method="post" action="${decision.action}" class="decide">${hiddenFields(decision)}
<div class="field"><label for="comment">Comment <span class="soft">– optional, the agent reads it</span></label>
<input id="comment" name="comment" maxlength="${MAX_COMMENT_CHARACTERS}" autocomplete="off"></div>
<p><small>Approving lets exactly this call run, once. Denying keeps it from being asked for again for a while.</small></p>
<div class="buttons"><button type="submit" name="decision" value="approve" class="button main">Approve</button><button type="submit" name="decision" value="deny" class="button">Deny</button></div>
</form>`;
}

function renderHindrance(hindrance: Hindrance | undefined): Html {
  const text =
    hindrance === 'own-request'
      ? html`<b>Somebody else has to decide:</b> you asked for this yourself. Where people may approve their own requests, the operator sets <code>approvals.selfApproval</code>.`
      : html`<b>You cannot decide about this.</b> That takes the permission <code>approval.decide</code> and an entry in <code>approvals.approvers</code>.`;
  return html`<div class="notice"><p>${text}</p></div>`;
}
