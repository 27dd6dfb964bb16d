/**
 * Reads an event stream as it comes.
 *
 * @param {(event: { id?: string, name?: string, data: string }) => void} onEvent
 * @returns {(text: string) => void} To be given the text in pieces.
 */
export function readEvents(onEvent) {
  let rest = '';
  return text => {
    rest += text;
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      onEvent(parseEvent(rest.slice(0, end)));
      rest = rest.slice(end + 2);
    }
  };
}

function parseEvent(text) {
  const event = { data: '' };
  for (const line of text.split('\n')) {
    const [, field, value] = /^([a-z]+): ?(.*)$/.exec(line) ?? [];
    if (field === 'data') {
      event.data += event.data === '' ? value : `\n${value}`;
    } else if (field === 'event') {
      event.name = value;
    } else if (field === 'id') {
      event.id = value;
    }
  }
  return event;
}
