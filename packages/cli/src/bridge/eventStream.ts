import { createParser, type EventSourceMessage } from 'eventsource-parser';

/** As long as the longest message of the client, and the frame around it. */
const MAX_EVENT_CHARACTERS = 32 * 1024 * 1024;

/** Events of a `text/event-stream`, in their order. */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  onRetry: (delayMs: number) => void = () => {},
): AsyncGenerator<EventSourceMessage> {
  const events: EventSourceMessage[] = [];
  let unfinished = 0;
  const parser = createParser({
    onEvent: event => {
      unfinished = 0;
      events.push(event);
    },
    onRetry,
  });
  const decoder = new TextDecoder();
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    const text = decoder.decode(chunk, { stream: true });
    unfinished = /\r?\n\r?\n|\r\r/.test(text) ? text.length : unfinished + text.length;
    if (unfinished > MAX_EVENT_CHARACTERS) {
      throw new Error(`The server sent an event of more than ${MAX_EVENT_CHARACTERS} characters`);
    }
    parser.feed(text);
    yield* events.splice(0);
  }
}
