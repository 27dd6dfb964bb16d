import { buttonForm, type FormTarget, foreignText, type Html, html, renderLayout } from '@callboard/pages';
import { scopeTitle } from './scopes.js';

/** An application that may act for the person. */
export interface Connection {
  clientName: string;
  redirectHosts: readonly string[];
  resource: string;
  scopes: readonly string[];
  /** ISO 8601. */
  createdAt: string;
  /** ISO 8601; absent when it was never used. */
  lastUsedAt?: string;
  revoke: FormTarget;
}

/** Lists what may act for the person, each with a way to end it. */
export function renderConnectionsPage(options: {
  connections: readonly Connection[];
  userEntityRef: string;
  signOut: FormTarget;
  /** What was just done. */
  notice?: string;
}): Html {
  const { connections, userEntityRef, signOut, notice } = options;
  return renderLayout({
    title: 'Connected applications',
    wide: true,
    main: html`
<h1>Connected applications</h1>
<div class="bar soft"><span>Signed in as <b>${foreignText(userEntityRef, 255)}</b></span>${buttonForm(signOut, { label: 'Sign out', look: 'link' })}</div>
${notice && html`<p class="notice" role="status">${notice}</p>`}
${
  connections.length === 0
    ? html`<div class="notice"><p>No application has access in your name. One appears here when you approve it.</p></div>`
    : html`<ul class="grants">${connections.map(renderConnection)}</ul>`
}`,
    footer: 'An application that you remove has to ask you again. What it got before stops working within seconds.',
  });
}

function renderConnection(connection: Connection): Html {
  const { clientName, redirectHosts, resource, scopes, createdAt, lastUsedAt, revoke } = connection;
  const name = foreignText(clientName) || 'An application without a name';
  return html`<li>
<h2><bdi>“${name}”</bdi></h2>
<dl>
<div><dt>Access goes to</dt><dd>${redirectHosts.length > 0 ? redirectHosts.map(host => foreignText(host, 255)).join(', ') : 'a device'}</dd></div>
<div><dt>Server</dt><dd><code>${foreignText(resource, 500)}</code></dd></div>
<div><dt>It may</dt><dd>${scopes.map(scopeTitle).join(', ') || 'nothing'}</dd></div>
<div><dt>Since</dt><dd>${renderTime(createdAt)}</dd></div>
<div><dt>Last used</dt><dd>${lastUsedAt === undefined ? 'never' : renderTime(lastUsedAt)}</dd></div>
</dl>
${buttonForm(revoke, { label: 'Remove access', look: 'button narrow', described: html`of “${name}”` })}
</li>`;
}

function renderTime(iso: string): Html {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) {
    return html`unknown`;
  }
  const shown = time.toLocaleString('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });
  return html`<time datetime="${time.toISOString()}">${shown} UTC</time>`;
}
