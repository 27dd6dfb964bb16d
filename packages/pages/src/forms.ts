import { type Html, html } from './html.js';

/** Where a form goes and what it carries unseen, such as a token against forged requests. */
export interface FormTarget {
  /** A path of this server. */
  action: string;
  hidden: Readonly<Record<string, string>>;
}

/** The hidden fields of a form. */
export function hiddenFields({ hidden }: FormTarget): Html {
  return html`${Object.entries(hidden).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}`;
}

/** A form that is one button. */
export function buttonForm(form: FormTarget, options: { label: string; look: string; described?: Html }): Html {
  return html`<form method="post" action="${form.action}">${hiddenFields(form)}<button type="submit" class="${options.look}">${options.label}${options.described && html`<span class="hidden"> ${options.described}</span>`}</button></form>`;
}
