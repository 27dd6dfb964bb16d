import { foreignText } from './foreignText.js';
import { type Html, html } from './html.js';

export function renderSignedIn(principal: string, accountAt: string): Html {
  return html`Signed in as <b>${foreignText(principal, 255)}</b>. <a href="${accountAt}">Not you?</a>`;
}
