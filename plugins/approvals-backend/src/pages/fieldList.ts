import type { JsonValue } from '@backstage/types';
import { exactText, type Html, html } from '@callboard/pages';
import { diffWords, type Stretch } from './diffWords.js';
import type { Field, FieldChange } from './fields.js';

/** Of one page, and far more than anybody reads: the core cuts what is longer than this, and says so in the value. */
const MAX_CHARACTERS = 150_000;
const MAX_FIELDS = 2_000;
/** Shorter values are compared as a whole. */
const MIN_WORDS_LENGTH = 24;

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
        html`<li>${renderPath(path, allowance)}<div>${renderValue('', textOf(value), allowance)}</div></li>`,
    )}</ul>`;
}

/** Values before and after; those that stay as they are come last, and folded. */
export function renderChanges(changes: readonly FieldChange[], allowance: Allowance): Html {
  const [changed, same] = [
    changes.filter(({ kind }) => kind !== 'same'),
    changes.filter(({ kind }) => kind === 'same'),
  ];
  const count = same.length === 1 ? 'One value stays as it is' : `${same.length} values stay as they are`;
  return html`
${changed.length === 0 && html`<p class="notice">Nothing would be different.</p>`}
${changed.length > 0 && html`<ul class="values">${allowance.takeFields(changed).map(change => renderChange(change, allowance))}</ul>`}
${
  same.length > 0 &&
  html`<details class="rest"><summary>${count}</summary>${renderFields(
    same.map(({ path, after = null }) => ({ path, value: after })),
    allowance,
  )}</details>`
}`;
}

function renderChange({ path, kind, before, after }: FieldChange, allowance: Allowance): Html {
  const [old, young] = [before, after].map(value =>
    value === undefined ? undefined : allowance.takeText(textOf(value)),
  );
  const isLong = (old?.length ?? 0) + (young?.length ?? 0) > 2 * MIN_WORDS_LENGTH;
  const words =
    old !== undefined && young !== undefined && isLong
      ? diffWords(old, young)
      : { before: whole(old), after: whole(young) };
  return html`<li>${renderPath(path, allowance, kind)}
<div class="sides">${old !== undefined && renderSide('was', 'Before', words.before)}${young !== undefined && renderSide('now', 'After', words.after)}</div></li>`;
}

function renderSide(look: 'was' | 'now', label: string, stretches: Stretch[]): Html {
  const parts = stretches.map(({ text, changed }) => {
    const shown = exactText(text);
    if (!changed) {
      return shown;
    }
    return look === 'was' ? html`<del>${shown}</del>` : html`<ins>${shown}</ins>`;
  });
  return html`<div class="side ${look}"><b>${label}</b>${box(
    html`${parts}`,
    stretches.map(({ text }) => text).join(''),
  )}</div>`;
}

function renderValue(look: string, text: string, allowance: Allowance): Html {
  const taken = allowance.takeText(text);
  return html`<div class="side ${look}">${box(exactText(taken), taken)}</div>`;
}

/** What is long gets a box that scrolls, which the keyboard reaches. */
function box(content: Html, text: string): Html {
  return text.length > 600 || text.split('\n').length > 12
    ? html`<pre class="value long" tabindex="0" dir="ltr">${content}</pre>`
    : html`<pre class="value" dir="ltr">${content}</pre>`;
}

function renderPath(path: string, allowance: Allowance, kind?: string): Html {
  const name = path === '' ? 'the whole' : exactText(allowance.takeText(path));
  return html`<p class="path"><code dir="ltr">${name}</code>${kind && html` <span class="tag">${kind}</span>`}</p>`;
}

function whole(text: string | undefined): Stretch[] {
  return text === undefined ? [] : [{ text, changed: true }];
}

/** Texts in quotation marks, so that blanks at their ends can be seen, and `"5"` is not `5`. */
function textOf(value: JsonValue): string {
  return typeof value === 'string' ? `"${value}"` : JSON.stringify(value);
}
