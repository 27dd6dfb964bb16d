import type { KeptRequest } from '@callboard/actions';
import { effectMeanings } from '@callboard/actions-api';
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
import type { SecretField } from './secretFields.js';

const MAX_LABEL_CHARACTERS = 100;

/** Asks a person for the secrets of one call, and says whose call it is and what it does. */
export function renderSecretsPage(options: {
  kept: KeptRequest;
  fields: readonly SecretField[];
  /** What was wrong with what was sent before, by field; what was sent is not shown again. */
  problems?: ReadonlyMap<string, string>;
  form: FormTarget;
  user: string;
  accountAt: string;
  script: string;
  nowMs: number;
}): Html {
  const { kept, fields, problems = new Map<string, string>(), form, user, accountAt, script, nowMs } = options;
  const { request } = kept;
  const { action, effect } = request;
  const allowance = new Allowance();
  const given = renderFields(fieldsOf(request.arguments), allowance);
  const title = foreignText(action.title, 200) || action.id;
  return renderLayout({
    title: `Secrets for ${title}`,
    wide: true,
    script,
    main: html`
<h1>Enter secrets for “<bdi>${title}</bdi>”</h1>
<p class="soft"><code>${exactText(action.id)}</code> of the plugin <code>${exactText(action.pluginId)}</code></p>
<div class="notice"><p>What you enter goes to this action alone, for this call, once. Neither the agent nor its client sees it.</p>
<p><b>Did you not ask an agent for this?</b> Then close the page, and nothing happens.</p></div>
<dl>
<div><dt>Who asks</dt><dd><b>${exactText(request.principal)}</b>${renderAgent(kept)}</dd></div>
<div><dt>Where</dt><dd><b>${exactText(request.environment)}</b>${request.server !== undefined && html`<small>server <code>${exactText(request.server)}</code></small>`}</dd></div>
<div><dt>What it does</dt><dd><span class="tag effect ${effect}">${effect}</span> ${effectMeanings[effect]}<small class="about">${exactText(allowance.takeText(action.description))}</small></dd></div>
${request.reason !== undefined && html`<div><dt>The agent’s reason</dt><dd><blockquote>${exactText(allowance.takeText(request.reason))}</blockquote><small>Its own words. Nobody has checked them.</small></dd></div>`}
<div><dt>When</dt><dd>${renderTimeLeft(kept.expiresAt, nowMs)} left, until ${renderTime(kept.expiresAt)}</dd></div>
</dl>
<section aria-labelledby="arguments"><h2 id="arguments">Arguments</h2>
<p class="soft"><small>As the call has them. Fields with the names of secrets show as <code>***</code>, and what cannot be seen as a mark such as <i class="esc">\\u{200b}</i>.</small></p>
${given}</section>
${allowance.isExceeded && html`<div class="notice warn"><p><b>This is not all.</b> The request is longer than what can be shown here.</p></div>`}
<section aria-labelledby="secrets"><h2 id="secrets">Secrets</h2>
${problems.size > 0 && html`<div class="notice warn" role="alert" id="problem"><p><b>This was not accepted.</b> Enter all of it again.</p>${problems.has('') && html`<p>${foreignText(problems.get('') ?? '', 600)}</p>`}</div>`}
<form method="post" action="${form.action}" autocomplete="off">${hiddenFields(form)}
${fields.map(field => renderField(field, problems.get(field.input)))}
<div class="buttons"><button type="submit" class="button main">Enter</button></div>
</form></section>`,
    footer: renderSignedIn(user, accountAt),
  });
}

/** Says that there is nothing left to do here, whoever looks. */
export function renderEnteredPage(): Html {
  return renderLayout({
    title: 'Entered',
    main: html`
<h1>Entered</h1>
<p>The call can use the secrets now, once. If your agent does not go on by itself, have it make the same call again.</p>
<p>You can close this page.</p>`,
  });
}

function renderAgent({ request }: KeptRequest): Html {
  const { agentId, clientId } = request;
  return html`<small>through MCP${clientId !== undefined && html`, client <code>${exactText(clientId)}</code>`}</small>
${agentId !== undefined && html`<small>The agent calls itself <b><bdi>“${exactText(agentId)}”</bdi></b>. Nobody has checked that.</small>`}`;
}

function renderField(field: SecretField, problem: string | undefined): Html {
  const { input, label, description, isRequired, kind } = field;
  const described = [description !== undefined && `${input}-about`, problem !== undefined && `${input}-problem`];
  const attributes = html` id="${input}" name="${input}" autocomplete="off" autocapitalize="off" spellcheck="false"${isRequired && html` required`}${problem !== undefined && html` aria-invalid="true"`}${described.some(Boolean) && html` aria-describedby="${described.filter(Boolean).join(' ')}"`}`;
  return html`<div class="field"><label for="${input}"><bdi>${foreignText(label, MAX_LABEL_CHARACTERS) || 'Secret'}</bdi> <span class="soft">– ${isRequired ? 'required' : 'optional'}${kind === 'json' && ', as JSON'}</span></label>
${description !== undefined && html`<small id="${input}-about">${foreignText(description, 600)}</small>`}
${problem !== undefined && html`<p class="problem" id="${input}-problem">${foreignText(problem, 600)}</p>`}
${renderControl(field, attributes)}</div>`;
}

function renderControl({ kind, input, choices, isRequired }: SecretField, attributes: Html): Html {
  switch (kind) {
    case 'choice':
      return html`<select${attributes}><option value="">${isRequired ? 'Choose' : 'None'}</option>${choices.map(
        (choice, index) => html`<option value="${index}">${describeChoice(choice)}</option>`,
      )}</select>`;
    case 'lines':
    case 'json':
      // Hidden by style, which one box undoes without a script; line ends are kept, unlike in a field for passwords.
      return html`<label class="reveal"><input type="checkbox"> Show</label><textarea${attributes} rows="6" wrap="off" class="masked"></textarea>`;
    default:
      return html`<input type="password"${attributes}${kind === 'number' && html` inputmode="decimal"`}><label class="reveal" hidden><input type="checkbox" data-reveals="${input}"> Show</label>`;
  }
}

function describeChoice(choice: unknown): string {
  const text = typeof choice === 'boolean' ? (choice ? 'Yes' : 'No') : String(choice);
  return foreignText(text, MAX_LABEL_CHARACTERS);
}
