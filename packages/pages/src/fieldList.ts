import type { JsonValue } from '@backstage/types';
import { exactText } from './exactText.js';
import type { Field } from './fields.js';
import { type Html, html } from './html.js';

/** Of one page, and far more than anybody reads: the core cuts what is longer than this, and says so in the value. */
const MAX_CHARACTERS = 150_000;
const MAX_FIELDS = 2_000;

/** How much of a request is shown; what is beyond is counted, and said. */
export class Allowance {
  #characters = MAX_CHARACTERS;
  #fields = MAX_FIELDS;
  #isExceeded = false;

  get isExceeded(): boolean {
    return this.#isExceeded;
  }

  /** As many of these as can be shown. */
  takeFields<T>(fields: readonly T[]): readonly T[] {
    const taken = fields.slice(0, this.#fields);
    this.#fields -= taken.length;
    this.#isExceeded ||= taken.length < fields.length;
    return taken;
  }

  /** As much of a text as can be shown. */
  takeText(text: string): string {
    const taken = text.slice(0, this.#characters);
    this.#characters -= taken.length;
    this.#isExceeded ||= taken.length < text.length;
    return taken;
  }
}

/** Values, each with the place where it stands. */
export function renderFields(fields: readonly Field[], allowance: Allowance): Html {
  return html`<ul class="values plain">${allowance
    .takeFields(fields)
    .map(
      ({ path, value }) =>
        html`<li>${renderPath(path, allowance)}<div>${renderValue(textOf(value), allowance)}</div></li>`,
    )}</ul>`;
}

function renderValue(text: string, allowance: Allowance): Html {
  const taken = allowance.takeText(text);
  return html`<div class="side">${renderBox(exactText(taken), taken)}</div>`;
}

/** What is long gets a box that scrolls, which the keyboard reaches. */
export function renderBox(content: Html, text: string): Html {
  return text.length > 600 || text.split('\n').length > 12
    ? html`<pre class="value long" tabindex="0" dir="ltr">${content}</pre>`
    : html`<pre class="value" dir="ltr">${content}</pre>`;
}

/** Where a value stands, and what becomes of it. */
export function renderPath(path: string, allowance: Allowance, kind?: string): Html {
  const name = path === '' ? 'the whole' : exactText(allowance.takeText(path));
  return html`<p class="path"><code dir="ltr">${name}</code>${kind && html` <span class="tag">${kind}</span>`}</p>`;
}

/** Texts in quotation marks, so that blanks at their ends can be seen, and `"5"` is not `5`. */
export function textOf(value: JsonValue): string {
  return typeof value === 'string' ? `"${value}"` : JSON.stringify(value);
}
