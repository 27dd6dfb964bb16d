import { type Html, html } from './html.js';

/** In a row over one letter; more would cover the lines above. */
const MARKS = 2;

// Controls, format characters, surrogates, private and unassigned ones; separators of lines; blanks that look like
// ordinary ones or like nothing; selectors of variants. Line ends and tabs are treated apart.
const HIDDEN =
  '[\\p{C}\\p{Zl}\\p{Zp}\\u00a0\\u034f\\u115f\\u1160\\u1680\\u180b-\\u180f\\u2000-\\u200a\\u202f\\u205f\\u2800\\u3000\\u3164\\ufe00-\\ufe0f\\uffa0\\u{e0100}-\\u{e01ef}]';
const pieces = new RegExp(`(${HIDDEN})|(\\p{M}+)`, 'gu');

/**
 * Text of strangers exactly as it is, for somebody who decides by it: nothing is cut or replaced, and what cannot be
 * seen, or would change how the rest is seen, stands there as a marked escape such as `\u{202e}`.
 */
export function exactText(text: string): Html {
  const parts: (Html | string)[] = [];
  let end = 0;
  for (const match of text.matchAll(pieces)) {
    const [piece, hidden] = match;
    parts.push(text.slice(end, match.index));
    end = match.index + piece.length;
    if (hidden !== undefined) {
      parts.push(escapeMark(hidden));
      continue;
    }
    const marks = [...piece];
    parts.push(marks.slice(0, MARKS).join(''), ...marks.slice(MARKS).map(escapeMark));
  }
  parts.push(text.slice(end));
  return html`${parts}`;
}

function escapeMark(character: string): Html {
  switch (character) {
    case '\n':
      return html`<i class="esc">\\n</i>${'\n'}`;
    case '\r':
      return html`<i class="esc">\\r</i>`;
    case '\t':
      return html`<i class="esc">\\t</i>`;
    default:
      return html`<i class="esc">\\u{${character.codePointAt(0)?.toString(16)}}</i>`;
  }
}
