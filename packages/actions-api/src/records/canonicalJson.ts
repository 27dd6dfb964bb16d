import { invisibleCharacters } from './invisibleCharacters.js';

/**
 * Writes JSON in one way only: sorted keys, no blanks, invisible characters escaped, so that it is
 * always one line and equal values are equal text. What is `undefined` is left out.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(item => canonicalJson(item ?? null)).join(',')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    members.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([key, member]) => `${writeText(key)}:${canonicalJson(member)}`).join(',')}}`;
  }
  return typeof value === 'string' ? writeText(value) : JSON.stringify(value);
}

function writeText(text: string): string {
  return JSON.stringify(text).replace(invisibleCharacters, escapeUnits);
}

function escapeUnits(character: string): string {
  return Array.from({ length: character.length }, (_, at) => {
    return `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }).join('');
}
