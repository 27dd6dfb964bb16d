import { type FormTarget, foreignText, type Html, hiddenFields, html, renderLayout } from '@callboard/pages';

/** Asks for the code that a terminal or another device shows. The field is named `user_code`. */
export function renderDeviceCodePage(options: { form: FormTarget; userCode?: string; problem?: string }): Html {
  const { form, userCode, problem } = options;
  return renderLayout({
    title: 'Connect a device',
    main: html`
<h1>Connect a device</h1>
<p>Enter the code that your terminal or device shows.</p>
${problem && html`<p class="notice warn" role="alert" id="problem">${problem}</p>`}
<form method="post" action="${form.action}">${hiddenFields(form)}
<div class="field"><label for="user_code">Code</label>
<input id="user_code" name="user_code" class="code" value="${userCode}" autocomplete="off" autocapitalize="characters" spellcheck="false" required maxlength="40"${problem && html` aria-invalid="true" aria-describedby="problem"`}></div>
<button type="submit" class="button main">Continue</button>
</form>`,
  });
}

/** Tells how the device flow ended. */
export function renderDeviceDonePage(options: { outcome: 'connected' | 'refused'; clientName?: string }): Html {
  const { outcome, clientName } = options;
  const name = clientName === undefined ? 'The device' : html`<bdi>“${foreignText(clientName)}”</bdi>`;
  return outcome === 'connected'
    ? renderLayout({
        title: 'Device connected',
        main: html`<h1>Device connected</h1><p>${name} goes on by itself. You can close this page.</p>`,
      })
    : renderLayout({
        title: 'Not connected',
        main: html`<h1>Not connected</h1><p>${name} got no access. You can close this page.</p>`,
      });
}
