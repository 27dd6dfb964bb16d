/**
 * Puts text between the markers `<!-- name -->` and `<!-- /name -->` of a page.
 *
 * @throws Error if the page does not have both, once and in this order.
 */
export function fillMarkers(page, name, text) {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [before, rest, ...more] = page.split(begin);
  const [old, after, ...evenMore] = rest?.split(end) ?? [];
  if (old === undefined || after === undefined || more.length > 0 || evenMore.length > 0) {
    throw new Error(`Expected ${begin} and ${end} once each, in this order`);
  }
  return `${before}${begin}\n\n${text.trim()}\n\n${end}${after}`;
}
