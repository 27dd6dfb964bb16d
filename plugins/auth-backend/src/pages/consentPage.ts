import {
  buttonForm,
  type FormTarget,
  foreignText,
  type Html,
  hiddenFields,
  html,
  renderLayout,
} from '@callboard/pages';
import { type RedirectTarget, readRedirectTarget } from './redirectTarget.js';
import { offeredScopes } from './scopes.js';

/** The application as it presents itself; none of it can be believed but the addresses. */
export interface ConsentClient {
  name: string;
  uri?: string;
  /** Empty when the answer goes to a device that shows a code. */
  redirectUri: string;
  /** Host that the identifying document was fetched from. */
  metadataHost?: string;
}

/** Asks whether an application may act for the signed-in person, and how far. */
export function renderConsentPage(options: {
  client: ConsentClient;
  resource: { url: string; name: string };
  requestedScopes: readonly string[];
  preselectedScopes: readonly string[];
  userEntityRef: string;
  decision: FormTarget;
  switchUser: FormTarget;
  /** Path of the page with all that was approved. */
  connectionsAt: string;
  /** What the device says of itself, and the code that it shows. */
  device?: { userCode: string; userAgent?: string; address?: string };
  /** The person approved, but allowed nothing. */
  nothingTicked?: boolean;
}): Html {
  const {
    client,
    resource,
    requestedScopes,
    preselectedScopes,
    userEntityRef,
    decision,
    switchUser,
    connectionsAt,
    device,
  } = options;
  const problem = options.nothingTicked && 'Nothing would be allowed this way. Tick the first line at least, or deny.';
  const name = foreignText(client.name) || 'An application without a name';
  const target = client.redirectUri === '' ? undefined : readRedirectTarget(client.redirectUri);
  return renderLayout({
    title: 'Allow access?',
    main: html`
<h1>Allow <bdi>“${name}”</bdi> to use ${foreignText(resource.name)}?</h1>
<p class="soft">The application gave itself this name. Nobody has checked it.</p>
${device && html`<p>Compare: does your device show this code?</p><p class="usercode">${foreignText(device.userCode, 40)}</p>`}
<dl>
<div><dt>Access goes to</dt><dd>${renderTarget(target)}${renderDevice(device)}</dd></div>
${client.metadataHost && html`<div><dt>Published by</dt><dd><b>${foreignText(client.metadataHost, 255)}</b><small>The application is described by a document on this host.</small></dd></div>`}
${renderClaimedWebsite(client.uri)}
<div><dt>Server</dt><dd>${foreignText(resource.name)}<small><code>${foreignText(resource.url, 500)}</code></small></dd></div>
<div><dt>Signed in as</dt><dd><b>${foreignText(userEntityRef, 255)}</b> ${buttonForm(switchUser, { label: 'Not you?', look: 'link' })}</dd></div>
</dl>
${target?.kind === 'this-computer' && html`<div class="notice warn"><p><b>This goes to a program on your computer.</b> Any program there could be asking. Approve only if you started this yourself, just now, in the application named above.</p></div>`}
${!target && html`<div class="notice warn"><p><b>Did somebody send you this code or a link to this page?</b> Then deny: they would act in your name.</p></div>`}
${problem && html`<p class="notice warn" role="alert" id="problem">${problem}</p>`}
<form method="post" action="${decision.action}">${hiddenFields(decision)}
<fieldset${problem && html` aria-describedby="problem"`}><legend>It may act for you and</legend>
${offeredScopes(requestedScopes).map(
  ({ scope, title, description }) =>
    html`<label class="choice"><input type="checkbox" name="scope" value="${scope}"${preselectedScopes.includes(scope) && html` checked`}><span><b>${title}</b><small>${description}</small></span></label>`,
)}
</fieldset>
<p class="after"><small>Each line needs those above it: without them it is not granted. It never gets more than you may do yourself, and you can take access back at any time under <a href="${connectionsAt}" target="_blank" rel="noopener">Connected applications</a>.</small></p>
<div class="buttons"><button type="submit" name="decision" value="approve" class="button main">Approve</button><button type="submit" name="decision" value="deny" class="button">Deny</button></div>
</form>`,
  });
}

function renderTarget(target: RedirectTarget | undefined): Html {
  switch (target?.kind) {
    case 'website':
      return html`<span class="place">${target.place}</span><small>a website</small>`;
    case 'this-computer':
      return html`<span class="place">${target.place}</span><small>a program on this computer</small>`;
    case 'application':
      return html`<span class="place">${foreignText(target.place, 255)}</span><small>the application on this computer that opens <code>${target.href.slice(0, target.href.indexOf(':') + 1)}</code> links</small>`;
    default:
      return html`<span class="place">Another device</span><small>the one that shows your code</small>`;
  }
}

function renderDevice(device: { userAgent?: string; address?: string } | undefined): Html | undefined {
  const { userAgent, address } = device ?? {};
  return userAgent || address
    ? html`<small>${address && `asked from ${foreignText(address, 60)}`}${address && userAgent && ', '}${userAgent && html`says it is <bdi>“${foreignText(userAgent)}”</bdi>`}</small>`
    : undefined;
}

function renderClaimedWebsite(uri: string | undefined): Html | undefined {
  const host = uri !== undefined && URL.canParse(uri) ? new URL(uri).host : '';
  return host === ''
    ? undefined
    : html`<div><dt>Says it is from</dt><dd>${foreignText(host, 255)}<small>not checked</small></dd></div>`;
}
