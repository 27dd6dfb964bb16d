/** One event as it came; a comment has only `comment`. */
export interface ReceivedEvent {
  readonly id?: string;
  readonly comment?: string;
  readonly retry?: string;
  readonly data?: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into messages of every shape
  readonly json?: any;
}

/** Reads an answer as an event stream, as a plain HTTP client would. */
export async function openEventStream(url: string, init: RequestInit) {
  const controller = new AbortController();
  const response = await fetch(url, { ...init, signal: controller.signal });
  const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  let buffered = '';

  /** @returns undefined at the end of the stream. */
  const next = async (): Promise<ReceivedEvent | undefined> => {
    for (;;) {
      const end = buffered.indexOf('\n\n');
      if (end >= 0) {
        const lines = buffered.slice(0, end).split('\n');
        buffered = buffered.slice(end + 2);
        return toEvent(lines);
      }
      const { value, done } = await reader.read();
      if (done) {
        return undefined;
      }
      buffered += value;
    }
  };
  return {
    status: response.status,
    headers: response.headers,
    next,
    /** The next event that is a message. */
    nextMessage: async (): Promise<ReceivedEvent> => {
      for (;;) {
        const event = await next();
        if (!event) {
          throw new Error('The stream has ended');
        }
        if (event.json !== undefined) {
          return event;
        }
      }
    },
    /** All that is left, up to the end. */
    rest: async (): Promise<ReceivedEvent[]> => {
      const events: ReceivedEvent[] = [];
      for (let event = await next(); event; event = await next()) {
        events.push(event);
      }
      return events;
    },
    close: () => controller.abort(),
  };
}

function toEvent(lines: string[]): ReceivedEvent {
  const field = (name: string) => lines.find(line => line.startsWith(`${name}: `))?.slice(name.length + 2);
  const [id, retry, data] = [field('id'), field('retry'), field('data')];
  return {
    ...(lines[0]?.startsWith(': ') && { comment: lines[0].slice(2) }),
    ...(id !== undefined && { id }),
    ...(retry !== undefined && { retry }),
    ...(data !== undefined && { data }),
    ...(data?.startsWith('{') && { json: JSON.parse(data) }),
  };
}
