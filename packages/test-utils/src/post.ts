export interface PostOptions {
  token?: string;
  /** Put over the defaults; `undefined` removes one. */
  headers?: Record<string, string | undefined>;
  signal?: AbortSignal;
}

/** What came back. */
export interface PostAnswer {
  status: number;
  headers: Headers;
  text: string;
  /** The JSON-RPC messages of the answer, be it JSON or an event stream; empty if it is neither. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  messages: any[];
  /** The last of them: the response, after any notifications. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  message: any;
}

/**
 * Posts a JSON-RPC message the way no client library would let us.
 *
 * @param body - sent as it is if a string or bytes, else as JSON.
 */
export async function post(
  url: string,
  body: unknown,
  { token, headers = {}, signal }: PostOptions = {},
): Promise<PostAnswer> {
  const wanted: Record<string, string | undefined> = {
    Accept: 'application/json, text/event-stream',
    'Content-Type': 'application/json',
    Authorization: token === undefined ? undefined : `Bearer ${token}`,
    ...headers,
  };
  const response = await fetch(url, {
    method: 'POST',
    headers: Object.entries(wanted).filter((entry): entry is [string, string] => entry[1] !== undefined),
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
    signal,
  });
  const text = await response.text();
  const messages = readMessages(response.headers.get('content-type') ?? '', text);
  return { status: response.status, headers: response.headers, text, messages, message: messages.at(-1) };
}

function readMessages(contentType: string, text: string): unknown[] {
  if (contentType.includes('application/json')) {
    return text === '' ? [] : [JSON.parse(text)];
  }
  if (contentType.includes('text/event-stream')) {
    return text
      .split(/\r?\n\r?\n/)
      .map(readEventData)
      .filter(data => data !== '')
      .map(data => JSON.parse(data));
  }
  return [];
}

function readEventData(event: string): string {
  return event
    .split(/\r?\n/)
    .filter(line => line.startsWith('data:'))
    .map(line => line.slice('data:'.length).trimStart())
    .join('\n');
}
