import type { IncomingMessage } from 'node:http';
import { parseStrictJson, StrictJsonError } from './parseStrictJson.js';

/** A body that is not read, or not understood; the connection is to be closed where it is still coming in. */
export class BodyError extends Error {
  override name = 'BodyError';
  readonly status: number;
  readonly isMalformed: boolean;
  readonly closesConnection: boolean;

  constructor(status: number, message: string, options: { isMalformed?: boolean; closesConnection?: boolean } = {}) {
    super(message);
    this.status = status;
    this.isMalformed = options.isMalformed ?? false;
    this.closesConnection = options.closesConnection ?? false;
  }
}

const LIMITS = { maxDepth: 64, maxKeys: 10_000 };

/**
 * Reads a request's JSON body.
 *
 * @throws BodyError 415 for another content type or encoding, 413 over `maxBytes`, 408 for a
 * body that has not arrived after `timeoutMs`, 400 and `isMalformed` for anything that is not strict JSON in UTF-8.
 */
export async function readJsonBody(
  req: IncomingMessage,
  { maxBytes, timeoutMs }: { maxBytes: number; timeoutMs: number },
): Promise<unknown> {
  const { _body: isParsed, body } = req as IncomingMessage & { _body?: boolean; body?: unknown };
  if (isParsed) {
    // By a body parser that the host has put before everything; there is nothing left to read.
    return body;
  }
  // Other types could be sent by a web page of anybody's without the browser asking first.
  if (!/^application\/json\s*(;[^,]*)?$/i.test(req.headers['content-type'] ?? '')) {
    throw new BodyError(
      415,
      `Content-Type must be application/json, got ${JSON.stringify(req.headers['content-type'] ?? '')}`,
    );
  }
  const encoding = req.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    throw new BodyError(415, `Content-Encoding ${JSON.stringify(encoding)} is not supported; send the body as it is`);
  }
  const bytes = await readBytes(req, maxBytes, timeoutMs);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new BodyError(400, 'the body is not valid UTF-8', { isMalformed: true });
  }
  try {
    return parseStrictJson(text, LIMITS);
  } catch (error) {
    if (error instanceof StrictJsonError) {
      throw new BodyError(400, error.message, { isMalformed: true });
    }
    throw error;
  }
}

function readBytes(req: IncomingMessage, maxBytes: number, timeoutMs: number): Promise<Buffer> {
  const tooLarge = () =>
    new BodyError(413, `The body is larger than ${maxBytes} bytes`, {
      closesConnection: true,
    });
  const declared = req.headers['content-length'];
  if (Number(declared ?? 0) > maxBytes) {
    return Promise.reject(tooLarge());
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    let isSettled = false;
    const settle = (finish: () => void) => {
      if (!isSettled) {
        isSettled = true;
        clearTimeout(timeout);
        finish();
      }
    };
    const timeout = setTimeout(
      () => settle(() => reject(new BodyError(408, 'The body did not arrive in time', { closesConnection: true }))),
      timeoutMs,
    );
    const complete = () => settle(() => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    // Listeners stay until the request goes: to remove them costs as much as to read a body.
    req.on('data', (chunk: Buffer) => {
      if (isSettled) {
        return;
      }
      length += chunk.length;
      if (length > maxBytes) {
        req.pause();
        settle(() => reject(tooLarge()));
        return;
      }
      chunks.push(chunk);
      if (length === Number(declared)) {
        complete();
      }
    });
    if (!(Number(declared) > 0)) {
      // Node listens to it, too: see `whenClosed` for what a second listener costs.
      req.on('end', complete);
    }
    req.on('close', () =>
      settle(() => reject(new BodyError(400, 'The connection closed before the body was complete'))),
    );
  });
}
