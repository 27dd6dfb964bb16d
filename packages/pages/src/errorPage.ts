import { foreignText } from './foreignText.js';
import { type Html, html } from './html.js';
import { renderLayout } from './layout.js';

/** Says that something cannot be done, and what the person can do about it. */
export function renderErrorPage(options: {
  title: string;
  explanation: string;
  /** For the operator, such as an OAuth error code or a request id. */
  details?: string;
  /** A path of this server where the person can begin again. */
  retryAt?: string;
}): Html {
  const { title, explanation, details, retryAt } = options;
  return renderLayout({
    title,
    main: html`
<h1>${title}</h1>
<p>${foreignText(explanation, 600)}</p>
${details && html`<p class="soft"><small>For whoever runs this server: <code>${foreignText(details, 600)}</code></small></p>`}
${retryAt && html`<div class="buttons"><a class="button main" href="${retryAt}">Open the page again</a></div>`}`,
  });
}
