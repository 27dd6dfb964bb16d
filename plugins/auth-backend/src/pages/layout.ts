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
}): Html {
  const { title, main, footer, refreshTo, wide } = options;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
${refreshTo && html`<meta http-equiv="refresh" content="0;url=${refreshTo}">`}
<title>${title} – Callboard</title>
${style}
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
