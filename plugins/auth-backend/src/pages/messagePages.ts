import { type Html, html, renderLayout } from '@callboard/pages';

/** Says that the browser is signed out. */
export function renderSignedOutPage(options: { signInAt: string }): Html {
  return renderLayout({
    title: 'Signed out',
    main: html`
<h1>You are signed out</h1>
<p>Applications that you approved keep their access until you remove them under “Connected applications”.</p>
<div class="buttons"><a class="button" href="${options.signInAt}">Sign in again</a></div>`,
  });
}
