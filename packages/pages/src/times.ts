import { type Html, html } from './html.js';
import { inWords } from './inWords.js';

export function renderTime(iso: string): Html {
  const shown = new Date(iso).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });
  return html`<time datetime="${iso}">${shown} UTC</time>`;
}

/** What the script of the pages counts down. */
export function renderTimeLeft(iso: string, nowMs: number): Html {
  return html`<time datetime="${iso}" data-left>${inWords(Date.parse(iso) - nowMs)}</time>`;
}
