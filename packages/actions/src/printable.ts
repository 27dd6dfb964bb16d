const MAX_CHARACTERS = 128;

/** Text of a caller's as messages and logs may hold it: on one line, and not without end. */
export function printable(text: string): string {
  return text.slice(0, MAX_CHARACTERS).replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: finding these is the purpose
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
