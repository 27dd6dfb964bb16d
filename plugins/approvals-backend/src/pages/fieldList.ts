import {
  type Allowance,
  exactText,
  type Html,
  html,
  renderBox,
  renderFields,
  renderPath,
  textOf,
} from '@callboard/pages';
import { diffWords, type Stretch } from './diffWords.js';
import type { FieldChange } from './fields.js';

/** Shorter values are compared as a whole. */
const MIN_WORDS_LENGTH = 24;

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
  return html`<div class="side ${look}"><b>${label}</b>${renderBox(
    html`${parts}`,
    stretches.map(({ text }) => text).join(''),
  )}</div>`;
}

function whole(text: string | undefined): Stretch[] {
  return text === undefined ? [] : [{ text, changed: true }];
}
