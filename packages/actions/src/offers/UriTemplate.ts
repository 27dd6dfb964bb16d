const MAX_CHARACTERS = 2_048;
const URI = /^[a-z][a-z0-9+.-]*:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+$/;
const HALF_ENCODED = /%(?![0-9A-Fa-f]{2})/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
/** What a value is made of as a URI has it; the rest is percent-encoded. */
const IN_VALUES = "A-Za-z0-9\\-._~!'()*%";
const NEVER_IN_VALUES = new RegExp(`[^${IN_VALUES}]`);
/** Control characters, and what could lead elsewhere where a value becomes part of a path. */
const UNEXPECTED = /[\p{Cc}/\\]|^\.{1,2}$/u;

/** @returns what is wrong with the URI of a resource, if something is. */
export function findUriProblem(uri: unknown): string | undefined {
  const isUri =
    typeof uri === 'string' &&
    uri.length <= MAX_CHARACTERS &&
    URI.test(uri) &&
    !HALF_ENCODED.test(uri) &&
    URL.canParse(uri);
  return isUri ? undefined : `expected an absolute URI such as "todo://board", of at most ${MAX_CHARACTERS} characters`;
}

/**
 * A URI template of RFC 6570, level 1, read backwards: tells whether a URI is one that it stands for,
 * and with which values. A value has no `/` or `\`, no control characters, and is neither `.` nor
 * `..`, percent-encoded or not; and there is one way to write it, that of `encodeURIComponent` or of
 * RFC 6570. Matching takes time in proportion to the URI.
 */
export class UriTemplate {
  readonly text: string;
  /** In their order. */
  readonly variables: readonly string[];
  /** The same for templates that stand for the same URIs, whatever their variables are called. */
  readonly shape: string;
  /** How much of it is fixed: of several that match a URI, the one with the most is meant. */
  readonly fixedCharacters: number;
  readonly #pattern: RegExp;

  private constructor(text: string, literals: readonly string[], variables: readonly string[]) {
    this.text = text;
    this.variables = variables;
    this.shape = literals.join('{}');
    this.fixedCharacters = literals.join('').length;
    // Between two values is a character that neither can have, so that there is one way to tell them apart.
    this.#pattern = new RegExp(`^${literals.map(escapeLiteral).join(`([${IN_VALUES}]+)`)}$`);
  }

  /** @returns the template, or what is wrong with it. */
  static parse(text: unknown): UriTemplate | { problem: string } {
    if (typeof text !== 'string' || text.length > MAX_CHARACTERS) {
      return { problem: `expected text of at most ${MAX_CHARACTERS} characters` };
    }
    // Every second part is a variable.
    const parts = text.split(/\{([^{}]*)\}/);
    const literals = parts.filter((_part, index) => index % 2 === 0);
    const variables = parts.filter((_part, index) => index % 2 === 1);
    const strange = variables.find(name => !VARIABLE.test(name));
    if (strange !== undefined) {
      return { problem: `expected variables such as {id} (RFC 6570, level 1), got {${strange}}` };
    }
    if (variables.length === 0) {
      return { problem: 'expected at least one variable such as {id}' };
    }
    if (new Set(variables).size < variables.length) {
      return { problem: 'expected every variable once' };
    }
    if (!/^[a-z][a-z0-9+.-]*:/.test(literals[0] as string) || findUriProblem(literals.join('x'))) {
      return { problem: 'expected an absolute URI with variables in it, such as "todo://items/{id}"' };
    }
    if (literals.slice(1, -1).some(literal => !NEVER_IN_VALUES.test(literal))) {
      return { problem: 'expected a character such as "/" or "," between two variables, which no value can have' };
    }
    return new UriTemplate(text, literals, variables);
  }

  /** @returns the values, decoded; undefined if the template does not stand for the URI. */
  match(uri: string): Record<string, string> | undefined {
    const found = uri.length <= MAX_CHARACTERS ? this.#pattern.exec(uri) : null;
    const values = found?.slice(1).map(decodeValue);
    if (!values?.every(value => value !== undefined)) {
      return undefined;
    }
    return Object.fromEntries(this.variables.map((name, index) => [name, values[index] as string]));
  }
}

function decodeValue(raw: string): string | undefined {
  let value: string;
  try {
    value = decodeURIComponent(raw);
  } catch {
    // Not UTF-8.
    return undefined;
  }
  const isCanonical = encodeURIComponent(value) === raw || encodeReserved(value) === raw;
  return isCanonical && !UNEXPECTED.test(value) ? value : undefined;
}

/** RFC 6570 encodes some characters that `encodeURIComponent` does not. */
function encodeReserved(value: string): string {
  return encodeURIComponent(value).replace(
    /[!'()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function escapeLiteral(literal: string): string {
  return literal.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
