import { foreignText, type Html, html, renderLayout } from '@callboard/pages';
import { readRedirectTarget } from './redirectTarget.js';

/**
 * Sends the person back to an application that opens links of its own kind. Browsers stay on the page that led
 * there, so this one says that it is done.
 *
 * @throws InputError if no browser may be sent to `location`.
 */
export function renderReturnPage(options: { location: string; clientName?: string }): Html {
  const { location, clientName } = options;
  const { href, place } = readRedirectTarget(location);
  const name = foreignText(clientName ?? '') || place;
  return renderLayout({
    title: 'Return to your application',
    refreshTo: href,
    main: html`
<h1>Return to your application</h1>
<p>Your answer goes to <b><bdi>“${name}”</bdi></b>, which should open by itself. Your browser may ask whether it is allowed to.</p>
<div class="buttons"><a class="button main" href="${href}">Open the application</a></div>
<p class="after"><small>It opens ${foreignText(place, 255)}. Afterwards you can close this page.</small></p>`,
  });
}
