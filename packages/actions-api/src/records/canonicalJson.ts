import { invisibleCharacters, isPrintableAscii } from './invisibleCharacters.js';

/**
 * Writes JSON in one way only: sorted keys, no blanks, invisible characters escaped, so that it is
 * always one line and equal values are equal text. What is `undefined` is left out.
 */
export function canonicalJson(value: unknown): string {
  return isInOrder(value) ? writeText(value) : sortedJson(value);
}

/** Whether `JSON.stringify` writes it as it is to be written, at a fraction of the cost. */
function isInOrder(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) {
    return typeof value !== 'function' && typeof value !== 'symbol';
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value)) {
    return prototype === Array.prototype && value.every(isInOrder);
  }
  // Anything else may have a `toJSON`.
  if (prototype !== Object.prototype && prototype !== null) {
    return false;
  }
  let last = '';
  for (const key of Object.keys(value)) {
    if (key < last || !isInOrder((value as Record<string, unknown>)[key])) {
      return false;
    }
    last = key;
  }
  return true;
}

function sortedJson(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(item => sortedJson(item ?? null)).join(',')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    let text = '';
    // By UTF-16 code units, as `sort` has it without more.
    for (const key of Object.keys(value).sort()) {
      const member = (value as Record<string, unknown>)[key];
      if (member !== undefined) {
        text += `${text === '' ? '' : ','}${writeText(key)}:${sortedJson(member)}`;
      }
    }
    return `{${text}}`;
  }
  return writeText(value);
}

function writeText(value: unknown): string {
  const json = JSON.stringify(value);
  return json === undefined || isPrintableAscii.test(json) ? json : json.replace(invisibleCharacters, escapeUnits);
}

function escapeUnits(character: string): string {
  return Array.from({ length: character.length }, (_, at) => {
    return `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }).join('');
}
