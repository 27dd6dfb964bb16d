// Written out rather than by Unicode category: what a hash was made of must not change with the version of Unicode.
const ranges = [
  '\\u0000-\\u001f',
  '\\u007f-\\u009f',
  '\\u00ad',
  '\\u061c',
  '\\u180e',
  '\\u200b-\\u200f',
  '\\u2028-\\u202e',
  '\\u2060-\\u206f',
  '\\ufeff',
  '\\ufff9-\\ufffb',
  '\\u{e0000}-\\u{e007f}',
].join('');

/** Controls, line separators, and what changes the direction of text or is not seen at all. */
export const invisibleCharacters = new RegExp(`[${ranges}]`, 'gu');

/** Says quickly of nearly all texts that they have none of them. */
export const isPrintableAscii: RegExp = /^[ -~]*$/;
