// What tests run inside the browser: each function is sent there as text, so it uses nothing from outside itself.

export const scrollWidth = () => document.documentElement.scrollWidth;

/** How the browser hides what stands in a field. */
export const textSecurity = field => getComputedStyle(field).getPropertyValue('-webkit-text-security');

/** Texts whose contrast with what is behind them is below 4.5 (WCAG 2.2). */
export const findFaintTexts = () => {
  const parse = colour => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = ([r = 0, g = 0, b = 0]) => {
    const [red, green, blue] = [r, g, b].map(channel => {
      const value = channel / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const backgroundOf = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) {
        return colour;
      }
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll('body *')].filter(element =>
    [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.textContent.trim() !== ''),
  );
  return texts.flatMap(element => {
    const [one, other] = [parse(getComputedStyle(element).color), backgroundOf(element)].map(luminance);
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    return contrast < 4.5 ? [`${element.tagName}.${element.className} ${contrast.toFixed(2)}`] : [];
  });
};
