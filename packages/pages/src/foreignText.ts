const maxMarksPerLetter = 2;

/**
 * Makes text of strangers fit to be shown: what cannot be seen, turns the reading direction or covers other lines
 * is replaced, space is collapsed, and the rest cut.
 */
export function foreignText(value: string, maxCharacters = 80): string {
  const visible = value
    .slice(0, maxCharacters * 8)
    .normalize('NFC')
    .replace(/[^\S\ufeff]+/gu, ' ')
    .replace(/[\p{C}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0\u2800]/gu, '\ufffd')
    .replace(/(\p{M}+)/gu, marks => [...marks].slice(0, maxMarksPerLetter).join(''))
    .trim();
  const characters = [...visible];
  return characters.length > maxCharacters ? `${characters.slice(0, maxCharacters - 1).join('')}…` : visible;
}
