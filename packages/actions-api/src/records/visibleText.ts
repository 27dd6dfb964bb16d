import { invisibleCharacters, isPrintableAscii } from './invisibleCharacters.js';

/**
 * Text from elsewhere as it may stand in a record: one line, nothing invisible, not too long, and
 * the same from every database.
 */
export function visibleText(text: string, maxLength: number): string {
  if (isPrintableAscii.test(text)) {
    return cutText(text, maxLength);
  }
  return cutText(
    text.replace(invisibleCharacters, character => `\\u{${character.codePointAt(0)?.toString(16)}}`).toWellFormed(),
    maxLength,
  );
}

/** Cuts text and says how much is missing. */
export function cutText(text: string, maxLength: number): string {
  return text.length <= maxLength
    ? text
    : `${text.slice(0, maxLength).toWellFormed()}…[cut ${text.length - maxLength} characters]`;
}
