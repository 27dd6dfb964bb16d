import { Html, type HtmlValue, html } from './html.js';
import { stylesheet } from './stylesheet.js';

const style = Html.trusted(`<style>${stylesheet}</style>`);

/** The frame around every page. */
export function renderLayout(options: {
  title: string;
  main: Html;
  footer?: HtmlValue;
  /** Where the browser goes by itself; must have been checked. */
  refreshTo?: string;
  wide?: boolean;
  /** URL of a script of the same plugin, which the headers of the page must let in. */
  script?: string;
  /** How often a browser without scripts asks for the page again. */
  reloadSeconds?: number;
}): Html {
  const { title, main, footer, refreshTo, wide, script, reloadSeconds } = options;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
${refreshTo && html`<meta http-equiv="refresh" content="0;url=${refreshTo}">`}
${reloadSeconds && html`<noscript><meta http-equiv="refresh" content="${reloadSeconds}"></noscript>`}
<title>${title} – Callboard</title>
${style}
${script && html`<script src="${script}" defer></script>`}
</head>
<body>
<div class="frame${wide && ' wide'}">
<header class="brand"><i aria-hidden="true"></i><b>Callboard</b></header>
<main>${main}</main>
${footer && html`<footer>${footer}</footer>`}
</div>
</body>
</html>
`;
}
