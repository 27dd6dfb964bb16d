/**
 * C0 and C1 controls but tab and line feed, and what turns the direction of text: a server must not
 * move the cursor of the terminal or hide what it says.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text of strangers as a terminal may show it. */
export function visibleText(text: string): string {
  return text.replace(hidden, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The same in one line. */
export function visibleLine(text: string): string {
  return visibleText(text.replace(/\s+/g, ' ').trim());
}
