import type { IncomingMessage } from 'node:http';
import { parseStrictJson, StrictJsonError } from './parseStrictJson.js';
import { JSON_RPC_PARSE_ERROR, RefusedRequest } from './RefusedRequest.js';

const LIMITS = { maxDepth: 64, maxKeys: 10_000 };

/**
 * Reads a request's JSON body.
 *
 * @throws RefusedRequest 415 for another content type or encoding, 413 over `maxBytes`, 408 for a
 * body that has not arrived after `timeoutMs`, 400 (-32700) for anything that is not strict JSON in UTF-8.
 */
export async function readJsonBody(
  req: IncomingMessage,
  { maxBytes, timeoutMs }: { maxBytes: number; timeoutMs: number },
): Promise<unknown> {
  // Other types could be sent by a web page of anybody's without the browser asking first.
  if (!/^application\/json\s*(;[^,]*)?$/i.test(req.headers['content-type'] ?? '')) {
    throw new RefusedRequest(
      415,
      `Content-Type must be application/json, got ${JSON.stringify(req.headers['content-type'] ?? '')}`,
    );
  }
  const encoding = req.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    throw new RefusedRequest(
      415,
      `Content-Encoding ${JSON.stringify(encoding)} is not supported; send the body as it is`,
    );
  }
  const bytes = await readBytes(req, maxBytes, timeoutMs);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new RefusedRequest(400, 'Parse error: the body is not valid UTF-8', { code: JSON_RPC_PARSE_ERROR });
  }
  try {
    return parseStrictJson(text, LIMITS);
  } catch (error) {
    if (error instanceof StrictJsonError) {
      throw new RefusedRequest(400, `Parse error: ${error.message}`, { code: JSON_RPC_PARSE_ERROR });
    }
    throw error;
  }
}

function readBytes(req: IncomingMessage, maxBytes: number, timeoutMs: number): Promise<Buffer> {
  const tooLarge = () =>
    new RefusedRequest(413, `The body is larger than ${maxBytes} bytes (mcpActions.maxRequestBodyBytes)`, {
      headers: { Connection: 'close' },
    });
  if (Number(req.headers['content-length'] ?? 0) > maxBytes) {
    return Promise.reject(tooLarge());
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (finish: () => void) => {
      clearTimeout(timeout);
      req.removeAllListeners('data').removeListener('end', onEnd).removeListener('close', onClose);
      finish();
    };
    const timeout = setTimeout(
      () =>
        settle(() =>
          reject(new RefusedRequest(408, 'The body did not arrive in time', { headers: { Connection: 'close' } })),
        ),
      timeoutMs,
    );
    const onEnd = () => settle(() => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    const onClose = () =>
      settle(() => reject(new RefusedRequest(400, 'The connection closed before the body was complete')));
    req.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) {
        req.pause();
        settle(() => reject(tooLarge()));
        return;
      }
      chunks.push(chunk);
    });
    req.once('end', onEnd);
    req.once('close', onClose);
  });
}
