import {
  buttonForm,
  type FormTarget,
  foreignText,
  type Html,
  hiddenFields,
  html,
  renderLayout,
} from '@callboard/pages';

/** Asks who the person is. */
export function renderSignInPage(options: {
  /** The application that sent the person here; absent when the person came by themselves. */
  clientName?: string;
  guest?: { form: FormTarget; userEntityRef: string };
  password?: { form: FormTarget; name?: string };
  /** Identity providers, each of which is started by a form. */
  providers?: readonly { form: FormTarget; title: string }[];
  /** Why an attempt before this one did not succeed. */
  problem?: string;
}): Html {
  const { clientName, guest, password, providers = [], problem } = options;
  const others = Boolean(guest) || providers.length > 0;
  return renderLayout({
    title: 'Sign in',
    main: html`
<h1>Sign in</h1>
${
  clientName !== undefined &&
  html`<p>An application that calls itself <b><bdi>“${foreignText(clientName)}”</bdi></b> asks for access. Sign in first; then you decide.</p>`
}
${problem && html`<p class="notice warn" role="alert" id="problem">${problem}</p>`}
${password && renderPasswordForm(password.form, { name: password.name, problem })}
${password && others && html`<div class="or">or</div>`}
<div class="stack">
${providers.map(({ form, title }) => buttonForm(form, { label: `Continue with ${title}`, look: 'button' }))}
${
  guest && [
    buttonForm(guest.form, { label: 'Continue as guest', look: password ? 'button' : 'button main' }),
    html`<small>You act as <code>${guest.userEntityRef}</code>. This is offered because the server is reachable from this computer only.</small>`,
  ]
}
</div>
${!password && !others && html`<p class="notice warn">No way to sign in is configured on this server. Its operator can set <code>auth.localUsers</code> or <code>auth.providers</code>.</p>`}`,
  });
}

function renderPasswordForm(form: FormTarget, options: { name?: string; problem?: string }): Html {
  const { name, problem } = options;
  const invalid = problem && html` aria-invalid="true" aria-describedby="problem"`;
  return html`<form method="post" action="${form.action}">${hiddenFields(form)}
<div class="field"><label for="name">User name</label>
<input id="name" name="name" value="${name}" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="200"${invalid}></div>
<div class="field"><label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="1000"${invalid}></div>
<button type="submit" class="button main">Sign in</button></form>`;
}
