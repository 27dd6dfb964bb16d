// What tests run inside the browser: each function is sent there as text, so it uses nothing from outside itself.

/** The style of one property, as the browser applies it. */
export const styleOf = (element, property) => getComputedStyle(element)[property];

/** The name and the outline of what has the focus. */
export const describeFocus = () => {
  const { activeElement } = document;
  const { outlineStyle, outlineWidth } = getComputedStyle(activeElement);
  const name = activeElement.closest('label')?.querySelector('b')?.textContent ?? activeElement.textContent;
  return `${name} ${outlineStyle} ${outlineWidth}`;
};

/** What a screen reader needs of a page. */
export const describeLandmarks = () => {
  const inputs = [...document.querySelectorAll('input:not([type=hidden])')];
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  return {
    mains: document.querySelectorAll('main').length,
    headings: document.querySelectorAll('h1').length,
    language: document.documentElement.lang,
    hasTitle: document.title.endsWith(' – Callboard'),
    namelessInputs: inputs.filter(input => input.labels.length === 0).length,
    hasUniqueIds: new Set(ids).size === ids.length,
  };
};

export const scrollWidth = () => document.documentElement.scrollWidth;

/** The tree of elements with the names of their attributes. */
export const describeTree = () => {
  const depthOf = element => (element ? 1 + depthOf(element.parentElement) : 0);
  return [...document.querySelectorAll('*')]
    .map(element => `${depthOf(element)}${element.tagName}[${element.getAttributeNames()}]`)
    .join(' ');
};

/** Frames a page. */
export const frame = async url => {
  const iframe = document.createElement('iframe');
  iframe.src = url;
  const loaded = new Promise(resolve => iframe.addEventListener('load', resolve));
  document.body.append(iframe);
  await loaded;
};

export const bodyText = () => document.body.innerText;

/** Sends a form as a page of another site can. */
export const submitForm = ({ action, fields }) => {
  const form = document.createElement('form');
  form.method = 'post';
  form.action = action;
  for (const [name, value] of Object.entries(fields)) {
    const input = document.createElement('input');
    Object.assign(input, { name, value });
    form.append(input);
  }
  document.body.append(form);
  form.submit();
};
