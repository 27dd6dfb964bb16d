import type { ServerResponse } from 'node:http';
import type { HttpRequest } from '../HttpRequest.js';
import type { EventStream } from './EventStream.js';

/** A request as the SDK's transports take it; its body is handed over apart. */
export function toWebRequest(req: HttpRequest, signal?: AbortSignal): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(req.headers)) {
    for (const single of [value ?? []].flat()) {
      headers.append(name, single);
    }
  }
  return new Request(new URL(req.originalUrl, 'http://localhost'), {
    method: req.method,
    headers,
    ...(signal && { signal }),
  });
}

export function isEventStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') ?? false;
}

export function acceptsEventStream({ headers }: HttpRequest): boolean {
  return /text\/event-stream|\*\/\*/.test(headers.accept ?? '*/*');
}

/**
 * Sends what one of the SDK's transports answers, and waits for the end of an event stream. If
 * `stream` has begun already, the answer follows on it as an event.
 */
export async function sendResponse(res: ServerResponse, response: Response, stream: EventStream): Promise<void> {
  if (res.destroyed || res.closed) {
    await response.body?.cancel();
    return;
  }
  if (stream.isOpen && !isEventStream(response)) {
    const message = await response.text();
    if (message !== '') {
      stream.writeMessage(JSON.parse(message));
    }
    stream.end();
    return;
  }
  if (!stream.isOpen) {
    res.statusCode = response.status;
    response.headers.forEach((value, name) => {
      res.setHeader(name, value);
    });
  }
  if (response.body && isEventStream(response)) {
    await pump(response.body, res, stream);
  } else {
    stream.stop();
    res.end(Buffer.from(await response.arrayBuffer()));
  }
}

/** What the client has not read is kept by `res`, where there is a bound on it. */
async function pump(body: ReadableStream<Uint8Array>, res: ServerResponse, stream: EventStream): Promise<void> {
  stream.open();
  const reader = body.getReader();
  const cancel = () => void reader.cancel().catch(() => {});
  res.once('close', cancel);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        break;
      }
      stream.write(value);
    }
    stream.end();
  } catch {
    // The transport has broken the stream off; to its client it must not look complete.
    res.destroy();
  } finally {
    res.removeListener('close', cancel);
  }
}
