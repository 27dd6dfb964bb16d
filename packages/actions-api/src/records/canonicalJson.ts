import { invisibleCharacters, isPrintableAscii } from './invisibleCharacters.js';

/**
 * Writes JSON in one way only: sorted keys, no blanks, invisible characters escaped, so that it is
 * always one line and equal values are equal text. What is `undefined` is left out.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(item => canonicalJson(item ?? null)).join(',')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    let text = '';
    // By UTF-16 code units, as `sort` has it without more.
    for (const key of Object.keys(value).sort()) {
      const member = (value as Record<string, unknown>)[key];
      if (member !== undefined) {
        text += `${text === '' ? '' : ','}${writeText(key)}:${canonicalJson(member)}`;
      }
    }
    return `{${text}}`;
  }
  return typeof value === 'string' ? writeText(value) : JSON.stringify(value);
}

function writeText(text: string): string {
  const json = JSON.stringify(text);
  return isPrintableAscii.test(json) ? json : json.replace(invisibleCharacters, escapeUnits);
}

function escapeUnits(character: string): string {
  return Array.from({ length: character.length }, (_, at) => {
    return `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }).join('');
}
