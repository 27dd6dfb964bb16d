/** Markup that is safe to send: made by {@link html}, so every value in it was escaped. */
export class Html {
  readonly #markup: string;

  private constructor(markup: string) {
    this.#markup = markup;
  }

  /** @internal Only for markup that is written in this repository and holds no value. */
  static trusted(markup: string): Html {
    return new Html(markup);
  }

  toString(): string {
    return this.#markup;
  }
}

/** What may stand in `${}`. Nothing is written for `undefined`, `null` and `false`. */
export type HtmlValue = Html | string | number | undefined | null | false | readonly HtmlValue[];

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/**
 * Escapes every value, for text and for attributes in quotation marks. It does not judge URLs: a value in `href`
 * must have been checked before.
 *
 * @example html`<p title="${title}">${text}</p>`
 */
export function html(literals: TemplateStringsArray, ...values: HtmlValue[]): Html {
  const markup = literals.reduce((before, literal, index) => `${before}${write(values[index - 1])}${literal}`);
  return Html.trusted(markup);
}

function write(value: HtmlValue): string {
  if (value === undefined || value === null || value === false) {
    return '';
  }
  if (value instanceof Html) {
    return value.toString();
  }
  if (Array.isArray(value)) {
    return value.map(write).join('');
  }
  return String(value).replace(/[&<>"'`]/g, character => entities[character] ?? '');
}
